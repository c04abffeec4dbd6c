"""What runs on a clock or a queue, and the engines that make the pictures."""
