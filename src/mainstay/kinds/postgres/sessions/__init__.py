"""Who is connected: how quiet it is, and how what takes too long is ended."""
