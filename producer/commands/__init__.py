"""The commands that ask for work and follow it."""
