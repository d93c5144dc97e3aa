"""Copies of a repository at remotes: encrypted and signed here, complete or not seen there; and the keys that open them."""
