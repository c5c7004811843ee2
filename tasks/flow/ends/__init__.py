"""How a job ends: by a run of its own task (`own_run.py`), or without one (`outside.py`).

The ledger decides whether a job ends, in one step; Celery's result follows from what the ledger has.
"""
