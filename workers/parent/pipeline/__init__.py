"""What a slot has handed over to its sidecar and child, and has not heard the end of."""
