"""The reading of a book: its job, its files, and the time left."""
