"""Functions on text: split into pieces and chunks, levels of summaries, its language. Pure."""
