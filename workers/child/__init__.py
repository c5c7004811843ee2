"""The process that holds the model: it computes batches, and answers its parent."""
