"""How much room things take, how fast it grows, and how much they would take after a rebuild."""
