"""Presets of surveys, described in TOML files.

`preset.read_preset` reads those that the package carries (folder `presets`) and files of your own;
`preset_tables` says which keys such a file has.
"""
