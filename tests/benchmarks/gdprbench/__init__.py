"""GDPRbench's four mixes through the toolkit against SQLAlchemy Core over the same indexed columns without governance.

`schema` has the records, `statements` what is asked of them, `mixes` the operations, `ours` and `byhand` the two sides,
`rows` the figures.
"""

from .rows import controller, customer, growth, processor, regulator

__all__ = ["controller", "customer", "growth", "processor", "regulator"]
