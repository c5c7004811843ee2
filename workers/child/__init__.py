"""The child process, which holds a slot's models. The parent's pool calls `main.py`; start reading there.

A batch: `batch.py` runs the stages (`make_ready`, `compute`, `put_away`), and `tracing.py` ends it. Between batches:
`operations.py`. In threads: `answers.py` and `offering.py`. Its state: `process.py`, `models/`.
"""
