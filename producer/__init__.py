"""Submits jobs: `producer.Client`, and the commands that use it."""

from producer.client import Client
from producer.job import Job, Progress

__all__ = ["Client", "Job", "Progress"]
