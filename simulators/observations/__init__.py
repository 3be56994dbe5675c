"""Observations on the grid of a model, their masks, and the conditions of observing.

`observation.Observation` is the one type for what is observed, mock or real. `masks` says which
pixels are left out, `coverage` refuses data that a model was not made for, and `conditions` draws
redshifts, S/N and masks of mocks.
"""
