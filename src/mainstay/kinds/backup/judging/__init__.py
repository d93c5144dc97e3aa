"""Is everything backed up, proven, young, of the usual size and in order."""
