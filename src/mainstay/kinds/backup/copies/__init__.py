"""Copies of backups at remotes, and the keys that open them."""
