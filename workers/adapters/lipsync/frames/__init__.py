"""The pictures behind a face: where they lie, in which order they are shown, how they are read. Importing is cheap."""
