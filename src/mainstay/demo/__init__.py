"""A real system made on the spot, and its maintenance: what `mainstay demo` shows."""
