"""The kinds of work, one file each: its tasks, and how a job is split into parts and gathered."""
