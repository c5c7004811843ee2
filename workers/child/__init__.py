"""The process that holds a slot's models. `main.py` is what the parent's pool calls; the rest follows from there.

A batch: `batch.py` runs the stages (`make_ready`, `compute`, `put_away`) and `tracing.py` ends it. Between batches:
`operations.py`. Beside them, in threads: `answers.py` and `offering.py`. What is held: `process.py`, `models/`.
"""
