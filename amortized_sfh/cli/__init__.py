"""The command line: words are turned into requests here, and nowhere else."""
