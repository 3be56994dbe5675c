"""Cubes read into observations, spaxel by spaxel or bin by bin, on the grid of a model."""
