"""Products of an inference, in memory and on disk.

`PosteriorMaps` (in `posterior_maps`) holds the maps of a cube, which `map_file` writes as FITS and
`map_figures` draws; `summary_table` is the table of one spectrum, `observation_figures` its
pictures.
"""
