"""The models that a slot's child holds: their states, loading one, and keeping many small ones within bounds."""
