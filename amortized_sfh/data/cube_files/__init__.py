"""Cubes as files of MUSE and MaNGA.

`cube_file` opens a cube once and reads its spectra in chunks, with `axes`, `manga` and `psf` for
what the headers say; `coadder` sums spaxels into bins, and `synthetic_images` makes images in a
band.
"""
