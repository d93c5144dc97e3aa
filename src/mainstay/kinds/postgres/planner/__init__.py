"""What the planner knows of the data: made where it is missing, renewed where it is stale."""
