"""What a look at a server's health shows, and what is too much of it."""
