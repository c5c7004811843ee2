"""What a slot worker's parent and its child say to each other, and the line it travels on."""
