"""Everything on this machine: an embedded Redis, and workers that are started again when they die."""
