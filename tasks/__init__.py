"""The shared language of slotline: what a job is. Light; imports neither workers nor producer."""

__version__ = "0.1.0"
