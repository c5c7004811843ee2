"""Results as files on a person's disk: their names, their formats, and no file that is half written."""
