"""What a worker does beside its work, one duty a file."""
