"""The promises of this version, one module each: `measure()` yields what was promised and what was found."""
