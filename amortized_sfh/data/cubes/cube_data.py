"""A cube ready for inference, and the choices that can be made in reading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits

from amortized_sfh.data.ancillary.ds9_regions import Ds9Regions
from amortized_sfh.data.ancillary.spaxel_maps import VelocityMap
from amortized_sfh.data.cubes.map_grid import MapGrid
from amortized_sfh.quantities.mass import luminosity_distance_mpc
from simulators.noise.profile import NoiseProfile
from simulators.observations.observation import Observation
from simulators.wavelengths.rest_grid import REST_GRID, RestGrid

VelocityMeasurement = Callable[[Observation], np.ndarray]
"""Takes spectra at the redshift of a galaxy, gives their velocities relative to it in km/s."""

_ROWS_OF_REPR = 1000


@dataclass(frozen=True, kw_only=True)
class CubeOptions:
    """Choices of :func:`~amortized_sfh.data.cubes.read_cube.read_cube` that seldom change.

    Parameters
    ----------
    grid : LinearRestGrid or LogRestGrid
        Rest-frame grid of the model.
    psf_fwhm_arcsec : float, optional
        FWHM of the cube's PSF, to which HST images are convolved; by default as header or file
        name say, see :func:`~amortized_sfh.data.cube_files.psf.find_psf`.
    align : bool
        If true, the offset of HST images that is measured against the cube is corrected.
    noise_growth : float, optional
        Growth of the noise of bins per decade of spaxels, see
        :func:`~simulators.noise.growth.noise_growth_factor`; by default that of the noise
        profile, or measured from the cube.
    noise_profile : NoiseProfile, optional
        Noise beyond the error bars, see
        :func:`~amortized_sfh.data.cube_noise.error_bars.profile_noise`; error bars are as given
        without it.
    sky_modelled : bool
        If true, the model's own noise has the sky residuals of single spaxels, and only what bins
        have more is added.
    chunk_spaxels : int
        Number of spaxels held in memory at a time while reading.
    velocity_map : str, Path, ndarray or VelocityMap, optional
        Velocity of every spaxel of the cube relative to the redshift in km/s: each spaxel or bin
        is then read in its own rest frame, see
        :func:`~amortized_sfh.data.ancillary.spaxel_maps.read_velocity_map`.
    measure_velocity : VelocityMeasurement, optional
        Function that measures these velocities instead, in a first pass over spectra that have just
        been read: it takes an :class:`~simulators.observations.observation.Observation` of n rows
        at the redshift of the galaxy, with the HST bands, and returns their velocities in km/s,
        shape (n,), NaN where it cannot tell. It is called once for bins, and once for every chunk
        of spaxels; the pixels of the cube are not read again.
    mask_regions : str, Path or Ds9Regions, optional
        ds9 regions of foreground stars and the like, whose spaxels are flagged and left out.

    Raises
    ------
    ValueError
        If velocities are both given and to be measured.
    """

    grid: RestGrid = REST_GRID
    psf_fwhm_arcsec: float | None = None
    align: bool = False
    noise_growth: float | None = None
    noise_profile: NoiseProfile | None = None
    sky_modelled: bool = False
    chunk_spaxels: int = 4096
    velocity_map: str | Path | np.ndarray | VelocityMap | None = None
    measure_velocity: VelocityMeasurement | None = None
    mask_regions: str | Path | Ds9Regions | None = None

    def __post_init__(self) -> None:
        if self.velocity_map is not None and self.measure_velocity is not None:
            raise ValueError(
                "both velocity_map and measure_velocity were given; expected one of them"
            )


@dataclass(frozen=True, repr=False)
class CubeData:
    """A cube, ready for inference.

    Parameters
    ----------
    observation : Observation
        One row per spaxel with data, or per bin (sums over its spaxels), n_obs rows.
    row : ndarray
        Row of every spaxel of the window that was read, shape (ny, nx), -1 where there is no data.
    label : ndarray
        Bin number of each row, shape (n_obs,), as in the bin map; the row itself without bins.
    n_spaxels : ndarray
        Number of spaxels in each row, shape (n_obs,).
    flag : ndarray
        :class:`~amortized_sfh.quantities.flags.Flag` bits of each row, shape (n_obs,).
    spaxel_flag : ndarray
        Bits of each spaxel of the window, shape (ny, nx).
    header : astropy.io.fits.Header
        Celestial WCS of the window; empty if the cube has none.
    noise_scale : ndarray
        Error bars of each spectrum over those that STAT gives if spaxels were independent, median
        over wavelength, shape (n_obs,).
    provenance : dict
        Files and choices that the data come from, for the headers of products.
    shared_phot_sigma : ndarray
        Part of ``observation.phot_sigma`` that is one common error of all rows, from the sky level
        of the HST images, shape (n_obs, n_band), same unit; 0 by default. It adds up linearly in
        sums of rows: it must not be averaged down.
    redshift : float, optional
        Redshift of the galaxy, to which ``frame_kms`` is relative and from which distances follow.
    frame_kms : ndarray, optional
        Velocity in km/s of the rest frame of each row relative to ``redshift``, shape (n_obs,);
        None where all rows are at the redshift of the galaxy.
    ao : bool
        If true, the cube was observed with adaptive optics.
    names : tuple of str
        Name of each row (apertures); empty where they have none.
    origin_xy : tuple of int
        Spaxel of the whole cube at the corner of the window, (x, y) from 0.
    noise_growth : float, optional
        Growth of the noise of sums per decade of spaxels, from the noise profile, measured or
        given; None where it is not known.
    """

    observation: Observation
    row: np.ndarray
    label: np.ndarray
    n_spaxels: np.ndarray
    flag: np.ndarray
    spaxel_flag: np.ndarray
    header: fits.Header
    noise_scale: np.ndarray
    provenance: dict[str, object] = field(default_factory=dict)
    shared_phot_sigma: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    redshift: float | None = None
    frame_kms: np.ndarray | None = None
    ao: bool = False
    names: tuple[str, ...] = ()
    origin_xy: tuple[int, int] = (0, 0)
    noise_growth: float | None = None

    def __post_init__(self) -> None:
        expected = tuple(self.observation.phot.shape)
        if self.shared_phot_sigma.size == 0:
            object.__setattr__(self, "shared_phot_sigma", np.zeros(expected))
        if self.shared_phot_sigma.shape != expected:
            raise ValueError(
                f"shared_phot_sigma has shape {self.shared_phot_sigma.shape}; expected {expected}"
            )

    def __len__(self) -> int:
        return len(self.observation)

    def __repr__(self) -> str:
        ny, nx = self.row.shape
        name = self.provenance.get("CUBE", self.provenance.get("GIST", "without a file"))
        n_spaxels = int(self.n_spaxels.sum())
        kind = "bins" if (self.n_spaxels > 1).any() else "spaxels"
        of_spaxels = f" of {n_spaxels} spaxels" if kind == "bins" else ""
        bands = self.observation.phot_valid.any(dim=0)
        # of a large cube some rows tell enough
        some = self.observation[:: max(1, len(self) // _ROWS_OF_REPR)]
        snr = float(some.median_snr().nanmedian())
        return (
            f"<CubeData {name}: {len(self)} {kind}{of_spaxels} on a map of {nx} x {ny}, "
            f"{int(bands.sum())} of {len(bands)} bands, z = {self.galaxy_redshift:g}, "
            f"median S/N {snr:.1f}>"
        )

    @property
    def map_grid(self) -> MapGrid:
        """Places of the rows, for :func:`~amortized_sfh.products.map_file.write_maps`."""
        return MapGrid(self.row, self.header, self.label, self.spaxel_flag, self.names)

    @property
    def galaxy_redshift(self) -> float:
        """Redshift of the galaxy, whatever the frames of the rows."""
        return float(self.observation.redshift[0]) if self.redshift is None else self.redshift

    def distance_mpc(self, given: float | None = None) -> float:
        """Return the luminosity distance of the galaxy.

        Parameters
        ----------
        given : float, optional
            Distance in Mpc if it is known otherwise, NaN if there is none; by default that of the
            redshift of the galaxy, whatever the frames of the rows.

        Returns
        -------
        float
            Distance in Mpc; NaN where there is none, at a redshift of 0 and below.

        Raises
        ------
        ValueError
            If the given distance is not positive.
        """
        return float(luminosity_distance_mpc(np.array([self.galaxy_redshift]), given)[0])

    def select(self, rows: np.ndarray) -> CubeData:
        """Return some rows on the same map.

        Parameters
        ----------
        rows : ndarray
            Numbers of the rows to keep, ascending, each once.

        Returns
        -------
        CubeData
            The rows numbered anew; spaxels of the others have none.
        """
        new = np.full(len(self) + 1, -1)  # the last one is where spaxels without a row point
        new[rows] = np.arange(len(rows))
        return replace(
            self,
            observation=self.observation[torch.from_numpy(rows)],
            row=new[self.row],
            label=self.label[rows],
            n_spaxels=self.n_spaxels[rows],
            flag=self.flag[rows],
            noise_scale=self.noise_scale[rows],
            shared_phot_sigma=self.shared_phot_sigma[rows],
            redshift=self.galaxy_redshift,
            frame_kms=None if self.frame_kms is None else self.frame_kms[rows],
            names=tuple(self.names[row] for row in rows) if self.names else (),
        )

    def row_means(self, image: np.ndarray) -> np.ndarray:
        """Return the mean of a map over the spaxels of each row.

        Parameters
        ----------
        image : ndarray
            Map of the window that was read, shape (ny, nx); NaN does not count.

        Returns
        -------
        ndarray
            Mean of each row, shape (n_obs,), NaN where no spaxel has a value.

        Raises
        ------
        ValueError
            If the shape is another.
        """
        if image.shape != self.row.shape:
            raise ValueError(f"the map has shape {image.shape}; expected {self.row.shape} (ny, nx)")
        seen = (self.row >= 0) & np.isfinite(image)
        total = np.bincount(self.row[seen], image[seen], minlength=len(self))
        number = np.bincount(self.row[seen], minlength=len(self))
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)
