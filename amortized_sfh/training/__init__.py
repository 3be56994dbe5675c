"""Training: streams and sets of mock spectra, the loop, its schedule and its checkpoints."""
