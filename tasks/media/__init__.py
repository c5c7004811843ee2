"""Sound as bytes: WAV and other formats; measures, encodes and joins it."""
