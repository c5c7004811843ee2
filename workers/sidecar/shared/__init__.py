"""What the sidecar's threads share: batches, runs, queues between the threads, the models that they know."""
