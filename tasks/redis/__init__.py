"""Redis as the broker and the ledger use it: connections, keys, scripts, the formats of Celery's own records."""
