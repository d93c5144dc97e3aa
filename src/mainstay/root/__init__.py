"""The root unit: does the steps that need root, for a service that is not; it trusts neither the ledger nor who asks."""
