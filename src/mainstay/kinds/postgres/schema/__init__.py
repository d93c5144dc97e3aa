"""How the tables are made: keys, constraints, types, numbers that end."""
