"""Who else receives data: the gate that each disclosure passes, and its record."""
