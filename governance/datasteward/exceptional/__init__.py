"""Exceptional access: uses of keys beyond the service's own work, under dual control (NIST SP 800-53 Rev. 5, AC-3(2)).

Somebody asks, with the number of a file; somebody else approves where policies/roles.yaml says so (`access`); within its time
an operator carries it out, once (`carrying`). Each step is an entry of the audit log.
"""
