"""What bench-backup is made of: the database, one measured command, the ways of others, our own, and thirty days of each."""
