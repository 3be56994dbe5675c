"""HST images: reading, noise, sky, position and PSF, until they lie on the grid of a cube."""
