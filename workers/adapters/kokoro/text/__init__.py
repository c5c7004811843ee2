"""From a text to Kokoro's phonemes, in nine languages. Used by the sidecar only; imports nothing heavy by itself."""
