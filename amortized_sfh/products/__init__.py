"""Products of an inference: maps in FITS, and figures of maps and single observations."""
