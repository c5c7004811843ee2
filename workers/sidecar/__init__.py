"""The sidecar: a process beside a slot's child, which does all that is Python around the model.

Start reading in `main.py`. Its threads: `answers.py` hears the parent, `ready.py` makes batches ready, `results.py`
hears the child, `away.py` (the main thread) puts results away; those that take long to store are stored by the threads
of `shared/storing.py` first. What they share is in `process.py` and `shared/`; the
steps of a batch are in `stages/`.
"""
