"""Instruments: pixels, resolution, photometric bands."""
