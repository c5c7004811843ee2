"""Saves results as files: their names and formats; a file is whole or does not exist."""
