"""What the command line does: one module per command, usable from Python too."""
