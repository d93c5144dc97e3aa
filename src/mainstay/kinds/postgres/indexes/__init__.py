"""Indexes: which are rebuilt, which are dropped, and which are only talked about."""
