"""The messages between a slot worker's parent and its child, and the socket that carries them."""
