"""What each version promises: a folder for each set, a module for each promise, whose `measure()` yields what was found."""
