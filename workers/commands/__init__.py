"""The commands that start, show and control workers."""
