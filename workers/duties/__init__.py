"""What a worker does besides its jobs, one duty per file."""
