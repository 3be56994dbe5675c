"""Definitions of commands and of groups of options; the work is done in `amortized_sfh.commands`."""
