"""Words, options, exit codes, progress; never an algorithm."""
