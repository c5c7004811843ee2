"""The model hub, huggingface.co or a mirror, as a source of models."""
