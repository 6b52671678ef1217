"""The user's program in a process of its own."""
