"""Rows that break a rule: found, judged, moved out of the way and back."""
