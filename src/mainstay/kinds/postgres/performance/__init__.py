"""What the server works on: its statements, what it does in a period, and what is said of both."""
