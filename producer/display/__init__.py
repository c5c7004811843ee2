"""Shows jobs to people: bars, lines, tables."""
