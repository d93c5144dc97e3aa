"""Room is given back: which tables are worth it, by which way, and each way."""
