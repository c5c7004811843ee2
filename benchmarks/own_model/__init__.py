"""One small network behind slotline, Ray Serve and LitServe: what each asks of its user, costs, and loses."""
