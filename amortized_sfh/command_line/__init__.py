"""Definitions of commands and of groups of options; `amortized_sfh.commands` does the work."""
