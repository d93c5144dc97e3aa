"""Maintenance as a transaction: observe, plan, run, verify, commit or roll back, remember."""

__version__ = "0.1.0"
