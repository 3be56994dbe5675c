"""Cubes read into observations, spaxel by spaxel or bin by bin, on the grid of a model.

`read_cube` is the way in and `cube_data` holds what it takes and returns; `spaxel_reader` does the
work, `binning` chooses bins by S/N and `model_check` refuses cubes that a model was not made for.
`gist_cube` takes the spectra of a GIST run instead, `map_grid` puts rows back on the map, and
`disc` knows the plane of the galaxy.
"""
