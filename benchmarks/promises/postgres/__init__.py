"""The promises of the kind postgres: care for a server without an outage."""

# in this order, the quick ones first; minutes on 2 cores
PROMISES = {"errors": 1, "faults": 1, "statements": 10, "estimates": 3, "mover": 11, "crash": 20, "versions": 5, "bench": 25}
