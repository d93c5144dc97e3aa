"""Recovery to a point in time: base backups, the write-ahead log after them, and what leads from both to a server."""
