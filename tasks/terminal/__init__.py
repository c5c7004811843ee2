"""What all commands share, of producers and workers: their stop signals, and how they print."""
