"""Pure calendar: what time it is comes in, what is due comes out."""
