"""Everything that people read about runs and plans: one document per report, four formats, nothing that is not in the records."""
