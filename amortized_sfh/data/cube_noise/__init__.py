"""Noise of a cube beyond its error bars: measured from the cube, and applied to it."""
