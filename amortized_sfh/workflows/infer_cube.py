"""From a cube in memory to posterior maps: inference in chunks, summaries, flags, provenance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from amortized_sfh._version import __version__
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.disc import Orientation, kpc_per_arcsec, spaxel_area_arcsec2
from amortized_sfh.inference.imposed_kinematics import ImposedKinematics
from amortized_sfh.inference.infer import infer_chunks
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.products.posterior_maps import PosteriorMaps
from amortized_sfh.quantities.flags import observation_flags, posterior_flags
from amortized_sfh.requests.infer import MasksRequest
from amortized_sfh.workflows.prepare_cube import prepare_cube

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, kw_only=True)
class InferenceOptions:
    """Choices of the inference of a cube in memory.

    Parameters
    ----------
    n_draws
        Posterior draws per spaxel or bin.
    seed
        Source of randomness; the same seed gives the same maps.
    distance_mpc
        Luminosity distance in Mpc; from the redshift by default.
    orientation
        Orientation of the galaxy's disc: surface densities are those of its plane.
    masks
        Pixels that are left out; spaxels are left out when the cube is read.
    measure_noise
        If true, error bars are enlarged to the scatter of the data around a first posterior.
    kinematics
        Stellar velocities and dispersions to impose on the posterior of each row; they are
        inferred by default.
    progress
        If true, a progress bar is shown.
    command
        Command line for the header of the maps; none where the maps are made from Python.
    """

    n_draws: int = 1000
    seed: int = 0
    distance_mpc: float | None = None
    orientation: Orientation = field(default_factory=Orientation)
    masks: MasksRequest = field(default_factory=MasksRequest)
    measure_noise: bool = False
    kinematics: ImposedKinematics | None = None
    progress: bool = True
    command: str = ""


def infer_cube(
    model: PosteriorModel,
    data: CubeData,
    options: InferenceOptions | None = None,
    *,
    visit: Callable[[int, PosteriorSamples], None] | None = None,
) -> PosteriorMaps:
    """Infer every row of a cube.

    Parameters
    ----------
    model
        Trained posterior model.
    data
        The cube as `read_cube` gives it.
    options
        Choices of the inference; the defaults where nothing is given.
    visit
        Called with the number of the first row and the draws of some consecutive rows, as they
        come: draws of a whole cube do not fit in memory.

    Returns
    -------
    PosteriorMaps
        Summaries of all products, with flags and provenance.

    Raises
    ------
    ValueError
        If there are fewer than two draws, or a mask cannot be applied.

    Examples
    --------
    >>> maps = infer_cube(model, data, InferenceOptions(n_draws=400))  # doctest: +SKIP
    >>> maps.write("maps.fits")  # doctest: +SKIP
    """
    options = options or InferenceOptions()
    data = prepare_cube(
        model, data, options.masks, measure_noise=options.measure_noise, seed=options.seed
    )
    distance = options.distance_mpc
    if distance is None and data.frame_kms is not None:
        distance = data.distance_mpc()  # of the galaxy's redshift, not of the spaxels'
    chunks = infer_chunks(
        model,
        data.observation,
        options.n_draws,
        options.seed,
        distance_mpc=distance,
        progress=options.progress,
        kinematics=options.kinematics,
    )
    frame = None if data.frame_kms is None else torch.from_numpy(data.frame_kms)
    area = row_areas_kpc2(data, options.distance_mpc, options.orientation)
    summaries, checks, first = [], [], 0
    for drawn in chunks:
        rows = slice(first, first + len(drawn))
        samples = drawn if frame is None else replace(drawn, frame_kms=frame[rows])
        summaries.append(samples.summary(None if area is None else area[rows]))
        flag = posterior_flags(samples.chi2, samples.out_of_range, samples.band_pull, samples.ess)
        checks.append((samples.chi2, flag, samples.ess))
        if visit is not None:
            visit(first, samples)
        first += len(samples)
    chi2, flags, ess = zip(*checks, strict=True)
    return PosteriorMaps.assemble(
        {name: np.concatenate([part[name] for part in summaries]) for name in summaries[0]},
        chi2=torch.cat(chi2).numpy(),
        flag=np.concatenate(flags) | data.flag | observation_flags(data.observation),
        snr=_snr(data),
        noise_scale=data.noise_scale,
        ess=None if options.kinematics is None else torch.cat(ess).numpy(),
        grid=data.map_grid,
        edges_gyr=model.bins.edges_gyr,
        provenance=_provenance(model, data, options, has_area=area is not None),
    )


def row_areas_kpc2(
    data: CubeData, distance_mpc: float | None, orientation: Orientation
) -> np.ndarray | None:
    """Return the area that the spaxels of every row cover in the plane of the galaxy.

    Parameters
    ----------
    data
        The cube as `read_cube` gives it.
    distance_mpc
        Luminosity distance in Mpc; from the redshift where it is not given.
    orientation
        Orientation of the disc; spaxels cover 1 / cos(inclination) times their area on the sky.

    Returns
    -------
    ndarray or None
        Area in kpc², shape (n_obs,); None where the cube has no WCS or the galaxy no distance.
    """
    distance = data.distance_mpc(distance_mpc)
    per_arcsec = kpc_per_arcsec(distance, data.galaxy_redshift)
    spaxel = spaxel_area_arcsec2(data.header) * per_arcsec**2
    if not np.isfinite(spaxel):
        return None
    return data.n_spaxels * (spaxel / orientation.axis_ratio)


def _snr(data: CubeData) -> np.ndarray:
    """Median S/N per pixel of every row, piece by piece: a large cube fills the memory alone."""
    parts = (slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(data), _ROWS_AT_ONCE))
    return torch.cat([data.observation[rows].median_snr() for rows in parts]).numpy()


def _provenance(
    model: PosteriorModel, data: CubeData, options: InferenceOptions, *, has_area: bool
) -> dict[str, object]:
    """Keywords of the primary header that say how the maps came about."""
    basis = model.generative.simulator.basis
    if has_area:
        inclined = options.orientation.inclination_deg != 0.0
        densities = "in the plane of the galaxy" if inclined else "on the sky"
    else:
        densities = f"none: no {'distance' if len(data.header) else 'celestial WCS'}"
    return {
        **data.provenance,
        "MODEL": model.card.name,
        "SSPLIB": basis.library,
        "MASSKIND": basis.mass_kind,
        "VERSION": __version__,
        "NDRAWS": options.n_draws,
        "SEED": options.seed,
        "DISTMPC": options.distance_mpc if options.distance_mpc is not None else "from redshift",
        "INCLIN": options.orientation.inclination_deg,
        "SURFDENS": densities,
        "KINEMAT": "free" if options.kinematics is None else options.kinematics.mode,
        "COMMAND": options.command,
    }
