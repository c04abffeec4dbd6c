"""The consoles of staff: compliance, operations, legal, administration."""
