"""Photos on the command line: which are meant, where results go, many at a time."""
