"""Bringing backups back, and putting them in the place of what is live."""
