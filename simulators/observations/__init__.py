"""Observations on the grid of an instrument, their masks, and the conditions of observing."""
