"""The promises of the vault: backups that are proven, small and fast, and restores that cannot make things worse."""

# in this order, the quick ones first; minutes on 2 cores
PROMISES = {
    "retention": 1,
    "faults": 8,
    "recovery": 4,
    "offsite": 6,
    "swap": 5,
    "memory": 4,
    "crash_journal": 4,
    "crash_swap": 10,
    "crash_copy": 5,
    "crash": 12,
    "bench": 60,
}
