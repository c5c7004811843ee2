"""The sidecar: a process beside a slot's child, which does all that is Python around the model.

Start reading in `main.py`. Threads: `answers.py` hears the parent, `ready.py` makes batches ready, `results.py` hears
the child, `away.py` (the main thread) puts results away. What they share: `held.py`, `incoming.py`, `outbox.py`,
`known_models.py`, `process.py`. A batch's steps themselves are in `stages/`.
"""
