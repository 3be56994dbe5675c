"""Data: cubes, images, spectra and other pipelines' products, brought to the grid of a model."""
