"""Artifacts: their names, files that are whole or do not exist, and the store that keeps them."""
