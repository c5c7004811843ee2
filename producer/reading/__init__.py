"""One book being read: its job, its files, what is left of it."""
