"""Sound as bytes: WAV and other formats, measured, encoded and joined."""
