"""Slots: shares of this machine's CPUs and GPUs, planned by their memory, claimed and released through Redis."""
