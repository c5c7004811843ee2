"""The kinds of work, one file each: its tasks, how it splits, how it gathers."""
