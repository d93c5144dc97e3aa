"""The command line: thin, one file per group of commands, each imported when it is called."""
