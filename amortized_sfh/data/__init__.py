"""Data brought to the grid of a model: cubes, images, spectra and other pipelines' products.

`cubes` reads cubes of MUSE and MaNGA (`cube_files` the files themselves, `cube_noise` their error
bars), `hst` the images that go with them, `ancillary` the maps and regions beside them; `spectra`
reads single spectra, `foreground` takes off the dust of the Milky Way, and `mocks` writes files
whose truth is known. `files` is what all readers of FITS files share.
"""

from __future__ import annotations

from amortized_sfh.data.foreground import band_extinction_mag, foreground_factor
from amortized_sfh.data.mocks.files import HST_PIXELS_PER_SPAXEL

__all__ = ["HST_PIXELS_PER_SPAXEL", "band_extinction_mag", "foreground_factor"]
