"""Lip-sync: a face speaks a sound. Importing this module is cheap."""
