"""Dead rows and old ones: which tables need a VACUUM, and what keeps it from doing its work."""
