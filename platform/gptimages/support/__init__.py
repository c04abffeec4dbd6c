"""Support: questions of people and reports by anybody."""
