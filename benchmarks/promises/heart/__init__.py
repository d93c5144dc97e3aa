"""The promises of the heart: plan, run, crash, recover, report, on this machine alone."""

# in this order, the quick ones first; minutes on 2 cores
PROMISES = {
    "mistakes": 0.1, "container": 0.3, "outside": 0.5, "speed": 1.5, "races": 1, "disk": 3, "rotation": 3, "demo": 5,
    "crash_rotation": 4, "crash_twice": 3, "crash_writes": 3, "crash_calls": 5,
}  # fmt: skip
