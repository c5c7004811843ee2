"""Artifacts: their names, files that are whole or not there, and the store that keeps them."""
