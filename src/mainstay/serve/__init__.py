"""The process that keeps all of it going: it decides when, and the same code as at the terminal does it, as a child."""
