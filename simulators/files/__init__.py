"""Reading and writing of files that is common to all packages.

`whole_files` and `whole_folders` give outputs their names only when they are complete,
`hdf5_format` writes and checks HDF5 files of a stated format, `toml_table` turns TOML files into
frozen dataclasses and back, and `checksum` makes the hashes that provenance is told by.
"""
