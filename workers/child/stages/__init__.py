"""One batch through a slot's models: make ready, compute, put away, and what runs them."""
