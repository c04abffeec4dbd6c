"""Activity: usage that counts, engagement with pictures, devices."""
