"""The studio: asking for pictures, watching them come, keeping, finding, sharing and deleting them."""
