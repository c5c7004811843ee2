"""Speech in nine languages by Kokoro: 24,000 Hz mono."""
