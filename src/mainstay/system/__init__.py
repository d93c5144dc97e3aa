"""The doors to the world: the clock, processes, files, sockets, secrets and locks. Every door takes a deadline."""
