"""Every private part of Celery, kombu, billiard and redis-py that slotline touches: one file a library.

«Private» is all that their documentation does not promise. Each function here has a public
name that says what it does; code elsewhere calls that. Where slotline subclasses a class
(the transport, the pool) or reads what Celery hands to it, `table.py` lists what it counts on.
`tests/house/test_upstream.py` checks both against the installed versions.
"""
