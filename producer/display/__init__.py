"""What a person sees while jobs run: bars, lines, tables."""
