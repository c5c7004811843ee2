"""A flow worker's own parts: its pool, and what follows when a child of it dies or a time limit is over."""
