"""The models of a slot's child: their states, loading, and registries of many small models within limits."""
