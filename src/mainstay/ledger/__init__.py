"""The memory: `journal.db` (append-only, chained, synced at every commit), `samples.db`, and typed questions to both."""
