"""Messages: notices in the service, mail through the outbox, what a person wants to get."""
