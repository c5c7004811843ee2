"""Archives of the npm registry."""
