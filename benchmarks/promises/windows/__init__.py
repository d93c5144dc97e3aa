"""The promises of windows, gates and people: maintenance at the right time, and everybody knows."""

# in this order, the quick ones first; minutes on 2 cores
PROMISES = {
    "notices": 3,
}
