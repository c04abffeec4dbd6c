"""Reports for compliance: for each a module that asks and a template that shows."""
