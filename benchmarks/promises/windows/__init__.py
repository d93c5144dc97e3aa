"""The promises of windows, gates and people: maintenance at the right time, and always with a way out."""

# in this order, the quick ones first; minutes on 2 cores
PROMISES = {
    "calendar": 1,
    "nginx": 2,
    "notices": 3,
    "service": 3,
    "overrun": 3,
    "clock": 5,
    "units": 8,
}
