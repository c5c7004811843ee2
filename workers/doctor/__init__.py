"""What `slotline doctor` looks at, one subject a file: each gives findings of one line, with what to do.

Only looks: it starts and changes nothing. The store's own check writes and removes one small file.
"""
