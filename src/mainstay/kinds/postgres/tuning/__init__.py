"""The server's settings: what they are, what they should be on this machine, and how they are changed."""
