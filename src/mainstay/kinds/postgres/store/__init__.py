"""Backups of PostgreSQL: dumps as streams, restores into new databases, proofs in a private server."""

from mainstay.kinds.postgres.store.postgres_store import PostgresStore

__all__ = ["PostgresStore"]
