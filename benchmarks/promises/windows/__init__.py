"""The promises of windows, gates and people: maintenance at the right time, and always with a way out."""

# in this order, the quick ones first; minutes on 2 cores
PROMISES = {
    "nginx": 2,
}
