"""Seeds and threads: the same seed gives the same numbers on any number of cores."""
