"""The forward model: from parameters to noise-free spectra and bands.

`Simulator` sums the populations of a history, dims them by dust (`dust`), shifts and broadens them
by velocities and the line spread function (`broadening`) and returns `ModelSpectra`.
"""

from __future__ import annotations

from simulators.forward.simulator import ModelSpectra, Simulator

__all__ = ["ModelSpectra", "Simulator"]
