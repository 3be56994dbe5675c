"""Simulations of what a telescope sees of a galaxy, from SSP libraries to noisy observations.

`libraries` read stellar populations, `populations` average them over age bins, `forward` turns
parameters into noise-free spectra and bands, and `noise` observes them; `instruments`,
`wavelengths` and `observations` describe the data, and `surveys` names the presets.
`GenerativeModel` in `generative` holds prior and simulation together, `mock_galaxy` makes a whole
galaxy, and `contracts` checks new libraries and noise models.
"""
