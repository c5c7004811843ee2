"""The sidecar's stages of a batch, each a step that can be called alone."""
