"""Text, and nothing else: cut into pieces and chunks, levels of summaries, its language. Pure."""
