"""Retention: removes what nobody uses any more, or what the store has no room for; open jobs keep what they need."""
