"""One store for all workers and clients of a broker: workers say which they use, and another one is refused."""
