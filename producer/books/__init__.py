"""A file becomes a book of titled chapters."""
