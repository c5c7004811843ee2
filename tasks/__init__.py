"""What a job is, shared by producers and workers. Imports neither of them, and nothing heavy."""

__version__ = "0.1.0"
