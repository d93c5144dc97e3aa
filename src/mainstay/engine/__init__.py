"""Observe, plan, gate, run, verify, recover: one file per verb. `drive.py` is the run that a process owns."""
