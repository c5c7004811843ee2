"""Everything on this machine: an embedded Redis and workers that are kept running."""
