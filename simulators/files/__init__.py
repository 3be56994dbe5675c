"""Reading and writing of files that is common to all packages.

`whole_files` gives outputs their names only when they are complete, `shipped` finds the files that
the packages carry, `hdf5_format` writes and reads HDF5 files of a stated format, `toml_table` turns
TOML files into frozen dataclasses and back, and `checksum` makes the hashes that provenance is told
by.
"""
