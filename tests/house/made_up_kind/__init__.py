"""A kind of work that slotline does not know, as another package would bring it: drawings, of one shape each.

`messages.py` (requests, results, the craft's description), `kind.py` (tasks, how an album is
split and gathered, what parts are), `craft.py` (a drawing becomes a file) and `adapter.py` (no
model). What an installation adds to them, the metadata with their entry points, is `installed`.
"""
