"""The next major version: what stands in the way of it, and a rehearsal on a copy."""
