"""Cubes and images in, maps out: MUSE and HST readers, bins, flags and the FITS writer."""
