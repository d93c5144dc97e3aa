"""Applications that may read and not write for a while."""
