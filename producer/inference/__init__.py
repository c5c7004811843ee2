"""Requests to a model of any kind: files that go in, the jobs, and the outputs that come back."""
