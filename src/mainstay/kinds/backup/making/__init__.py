"""Making backups, and knowing that they are good."""
