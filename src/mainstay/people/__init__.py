"""What people say and do beside the runs: emergencies and checklists, written into the journal in their name."""
