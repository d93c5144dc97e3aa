"""One folder per maintained thing, one file per task; no kind imports another. `kind.py` says what a kind is."""
