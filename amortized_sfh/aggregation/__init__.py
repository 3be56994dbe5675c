"""Regions of a galaxy: many spaxels combined into one answer, and radial profiles."""
