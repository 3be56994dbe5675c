"""From a cube to maps: inference in chunks, summaries, FITS, pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from amortized_sfh._version import __version__
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.disc import Orientation, kpc_per_arcsec, spaxel_area_arcsec2
from amortized_sfh.inference.band_pulls import misfits
from amortized_sfh.inference.draw_files import check_draws_path, write_draws
from amortized_sfh.inference.imposed_kinematics import MIN_ESS, ImposedKinematics
from amortized_sfh.inference.infer import infer_chunks
from amortized_sfh.inference.noise_scale import measure_noise_scale
from amortized_sfh.inference.samples import PosteriorSamples, check_draws
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.products.map_file import write_maps
from amortized_sfh.quantities.flags import Flag, observation_flags
from amortized_sfh.quantities.mass import luminosity_distance_mpc
from amortized_sfh.quantities.surface_densities import surface_densities
from amortized_sfh.workflows.prepare_cube import mask_cube
from simulators.files.whole_files import check_output
from simulators.observations.masks import LINE_HALF_WIDTH_KMS, check_line_width

#: Reduced chi-square beyond which a fit is flagged.
POOR_FIT_CHI2 = (0.5, 2.0)
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a cube is inferred and what is written.

    Parameters
    ----------
    n_draws
        Draws per spaxel or bin.
    seed
        Source of randomness.
    distance_mpc
        Luminosity distance in Mpc; from the redshift where it is not given.
    orientation
        Of the galaxy's disc: surface densities are those of its plane.
    line_half_width_kms
        Half width of the masks of emission lines; wider than the default for broad lines, never
        narrower.
    extra_lines_aa
        Rest-frame air wavelengths in Å of further lines to mask.
    ao
        Mask the notch of the adaptive-optics laser; as the header of the cube says if None.
    milky_way_sodium
        Mask Na D of the Milky Way and the sky, in the observed frame.
    measure_noise
        Enlarge error bars to the scatter of the data first, see `measure_noise_scale`.
    kinematics
        Stellar velocities and dispersions to impose on the posterior of each row.
    overwrite
        Replace existing outputs.
    progress
        Show a progress bar.
    draws_path
        Where to keep draws: ArviZ netCDF (.nc) or HDF5 (.h5).
    draws_spaxels
        Spaxels (x, y) of the whole cube, from 0, whose draws are kept; all rows if empty.
    command
        Command line for the header.

    Raises
    ------
    ValueError
        If there are fewer than two draws, the masks of lines are narrower than those of the
        training, or spaxels are named whose draws go nowhere.
    """

    n_draws: int = 1000
    seed: int = 0
    distance_mpc: float | None = None
    orientation: Orientation = field(default_factory=Orientation)
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    extra_lines_aa: tuple[float, ...] = ()
    ao: bool | None = None
    milky_way_sodium: bool = True
    measure_noise: bool = False
    kinematics: ImposedKinematics | None = None
    overwrite: bool = False
    progress: bool = True
    draws_path: Path | None = None
    draws_spaxels: tuple[tuple[int, int], ...] = ()
    command: str = ""

    def __post_init__(self) -> None:
        check_draws(self.n_draws)
        check_line_width(self.line_half_width_kms)
        if self.draws_spaxels and self.draws_path is None:
            spaxel = self.draws_spaxels[0]
            raise ValueError(f"no file for the draws of spaxel {spaxel}; add --save-draws FILE.nc")


def infer_cube(
    model: PosteriorModel, data: CubeData, out: Path, options: RunOptions | None = None
) -> dict[str, np.ndarray]:
    """Infer every row of a cube and write its maps.

    Parameters
    ----------
    model
        Trained model.
    data
        What `read_cube` returned.
    out
        FITS file to write.
    options
        How.

    Returns
    -------
    dict of str to ndarray
        Summaries by product name: (n_obs, 5), (n_obs, n_bins, 5) or (n_obs,).

    Raises
    ------
    FileExistsError
        If an output exists and may not be replaced.
    ValueError
        If a chosen spaxel has no data.
    """
    options = options or RunOptions()
    check_output(out, options.overwrite)
    kept_rows = _kept_rows(data, options)
    if options.draws_path is not None:
        check_draws_path(options.draws_path)
        check_output(options.draws_path, options.overwrite)
    data = prepare_cube(model, data, options)
    chunks = infer_chunks(
        model,
        data.observation,
        options.n_draws,
        options.seed,
        distance_mpc=_distance_mpc(data, options),
        progress=options.progress,
        kinematics=options.kinematics,
    )
    frame = None if data.frame_kms is None else torch.from_numpy(data.frame_kms)
    parts, kept, first = [], [], 0
    area = row_areas_kpc2(data, options.distance_mpc, options.orientation)
    for drawn in chunks:
        rows = slice(first, first + len(drawn))
        samples = drawn if frame is None else replace(drawn, frame_kms=frame[rows])
        densities = None if area is None else surface_densities(samples, area[rows])
        parts.append({**samples.summary(densities), **_planes(samples)})
        here = kept_rows[(kept_rows >= first) & (kept_rows < first + len(samples))] - first
        if len(here):
            kept.append(samples[torch.from_numpy(here)])
        first += len(samples)
    results = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    results["FLAG"] = results["FLAG"] | data.flag | observation_flags(data.observation)
    results["SNR"] = _snr(data)
    results["NOISE_SCALE"] = data.noise_scale
    edges = model.bins.edges_gyr
    write_maps(
        out, results, data.map_grid, edges, _provenance(model, data, options), options.overwrite
    )
    if options.draws_path is not None and kept:
        write_draws(PosteriorSamples.cat(kept), options.draws_path, kept_rows)
    return results


def prepare_cube(model: PosteriorModel, data: CubeData, options: RunOptions) -> CubeData:
    """Mask what the model does not explain, and enlarge errors if that was asked for.

    Parameters
    ----------
    model
        Trained model.
    data
        What `read_cube` returned.
    options
        What to mask, and whether to measure the noise.

    Returns
    -------
    CubeData
        What is inferred.
    """
    data = mask_cube(model, data, options)
    if not options.measure_noise:
        return data
    observation, scale = measure_noise_scale(model, data.observation, options.seed)
    noise_scale = data.noise_scale * scale.median(dim=1).values.numpy()
    return replace(data, observation=observation, noise_scale=noise_scale)


def row_areas_kpc2(
    data: CubeData, distance_mpc: float | None, orientation: Orientation
) -> np.ndarray | None:
    """Area that the spaxels of every row cover in the plane of the galaxy.

    Parameters
    ----------
    data
        The cube.
    distance_mpc
        Luminosity distance; from the redshift where it is not given.
    orientation
        Of the disc; spaxels cover 1 / cos(inclination) times their area on the sky.

    Returns
    -------
    ndarray or None
        kpc², shape (n_obs,); None where the cube has no WCS or the galaxy no distance.
    """
    redshift = data.galaxy_redshift
    distance = float(luminosity_distance_mpc(np.array([redshift]), distance_mpc)[0])
    spaxel = spaxel_area_arcsec2(data.header) * kpc_per_arcsec(distance, redshift) ** 2
    if not np.isfinite(spaxel):
        return None
    return data.n_spaxels * (spaxel / orientation.axis_ratio)


def _kept_rows(data: CubeData, options: RunOptions) -> np.ndarray:
    """Rows whose draws are kept, ascending."""
    if options.draws_path is None:
        return np.zeros(0, dtype=int)
    if not options.draws_spaxels:
        return np.arange(len(data))
    rows = []
    for x, y in options.draws_spaxels:
        (x0, y0), (ny, nx) = data.origin_xy, data.row.shape
        inside = x0 <= x < x0 + nx and y0 <= y < y0 + ny
        if not inside or data.row[y - y0, x - x0] < 0:
            raise ValueError(
                f"spaxel ({x}, {y}) of the cube has no data in the region {x0}:{x0 + nx},"
                f"{y0}:{y0 + ny}; choose another"
            )
        rows.append(int(data.row[y - y0, x - x0]))
    return np.unique(rows)


def _distance_mpc(data: CubeData, options: RunOptions) -> float | None:
    """Distance of the galaxy: that of the options, else of its redshift and not of the spaxels'."""
    if options.distance_mpc is not None or data.frame_kms is None:
        return options.distance_mpc
    return float(luminosity_distance_mpc(np.array([data.galaxy_redshift]))[0])


def _planes(samples: PosteriorSamples) -> dict[str, np.ndarray]:
    """Products of one number per row."""
    planes = {"CHI2": samples.chi2.numpy(), "FLAG": _flags(samples)}
    return planes if samples.ess is None else {**planes, "ESS": samples.ess.numpy()}


def _flags(samples: PosteriorSamples) -> np.ndarray:
    """Bits that the posterior adds."""
    chi2 = samples.chi2.numpy()
    flag = np.where(samples.out_of_range.numpy(), int(Flag.OUT_OF_TRAINING_RANGE), 0)
    poor = (chi2 < POOR_FIT_CHI2[0]) | (chi2 > POOR_FIT_CHI2[1])
    flag |= np.where(poor, int(Flag.POOR_FIT), 0)
    if samples.band_pull is not None:
        flag |= misfits(samples.band_pull).any(1).numpy() * int(Flag.BAND_MISFIT)
    if samples.ess is not None:
        flag |= np.where(samples.ess.numpy() >= MIN_ESS, 0, int(Flag.KINEMATICS))
    return flag.astype(np.int32)


def _snr(data: CubeData) -> np.ndarray:
    """Median S/N per pixel of every row, piece by piece: a large cube fills the memory alone."""
    medians = []
    for start in range(0, len(data), _ROWS_AT_ONCE):
        medians.append(data.observation[start : start + _ROWS_AT_ONCE].median_snr())
    return torch.cat(medians).numpy()


def _provenance(model: PosteriorModel, data: CubeData, options: RunOptions) -> dict[str, object]:
    """What the primary header says of the run."""
    basis = model.generative.simulator.basis
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
        "SURFDENS": _surface_note(data, options),
        "KINEMAT": "free" if options.kinematics is None else options.kinematics.mode,
        "COMMAND": options.command,
    }


def _surface_note(data: CubeData, options: RunOptions) -> str:
    """What the surface densities are, or why there are none."""
    if row_areas_kpc2(data, options.distance_mpc, options.orientation) is None:
        reason = "no distance" if len(data.header) else "no celestial WCS"
        return f"none: {reason}"
    return "in the plane of the galaxy" if options.orientation.inclination_deg else "on the sky"
