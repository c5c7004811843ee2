"""Figures from the machine: slotline against what else one would take, in the same run. Not part of the wheel."""
