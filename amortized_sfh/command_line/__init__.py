"""Options of the command line, one file per noun; nothing heavy is imported here."""
