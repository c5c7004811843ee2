"""Stacks that run on this machine: the files in the user's run folder by which every command finds them."""
