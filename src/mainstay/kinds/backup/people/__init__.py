"""What persons say about backups: keep it, let it go, it is approved."""
