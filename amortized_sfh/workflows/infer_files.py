"""The `infer` command: files in, maps and pictures out."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from amortized_sfh.aggregation.radial_profile import locate_disc
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.disc import Orientation, parse_centre
from amortized_sfh.model.model_files import load_model
from amortized_sfh.plotting import SkyFrame, plot_bin_maps, plot_maps
from amortized_sfh.quantities.mass import luminosity_distance_mpc
from amortized_sfh.workflows.hst_files import read_hst_files
from amortized_sfh.workflows.infer_cube import RunOptions, infer_cube, prepare_cube
from amortized_sfh.workflows.profile import read_profile_options, write_profile
from amortized_sfh.workflows.read_request import check_request, read_request
from simulators.files.whole_files import check_output

_DENSITIES = ("SIGMA_STAR", "SIGMA_SFR10", "SIGMA_SFR100", "LOG_SSFR100")


def infer_files(options: Namespace, device: str) -> None:
    """Infer the cube that the command line names.

    Parameters
    ----------
    options
        Of `amortized-sfh infer`.
    device
        Where to compute.
    """
    # what can be wrong with the request is found before the long part
    check_output(options.out, options.overwrite)
    orientation = read_orientation(options)
    profile = read_profile_options(options, orientation)
    spaxels = tuple(_parse_spaxel(text) for text in options.spaxel)
    check_request(options)
    run = RunOptions(
        n_draws=options.draws,
        seed=options.seed,
        distance_mpc=options.distance_mpc,
        orientation=orientation,
        line_half_width_kms=options.line_width,
        extra_lines_aa=tuple(options.mask_lines),
        ao=options.ao,
        milky_way_sodium=options.milky_way_sodium,
        measure_noise=options.measure_noise,
        overwrite=options.overwrite,
        draws_path=options.save_draws,
        draws_spaxels=spaxels,
        command=options.command_line,
    )
    hst = read_hst_files(options)
    model = load_model(options.model, device)
    data, run = read_request(options, model, hst, run)
    if profile is not None:
        # done once, for maps and profile alike, and what cannot be had is found before the maps
        data, run = prepare_cube(model, data, run), replace(run, measure_noise=False)
        locate_disc(data, profile)
    results = infer_cube(model, data, options.out, run)
    if not options.no_plots:
        edges = model.generative.prior.bins.edges_gyr
        draw_maps(results, data, edges, options.out, options.distance_mpc)
    if profile is not None:
        write_profile(model, data, options.out, profile, picture=not options.no_plots)


def read_orientation(options: Namespace) -> Orientation:
    """Orientation of the disc that the command line gives.

    Parameters
    ----------
    options
        With `inclination`, `position_angle` and `centre`.

    Returns
    -------
    Orientation
        Face-on, with the centre of the light, where nothing was given.
    """
    return Orientation(
        inclination_deg=options.inclination,
        position_angle_deg=options.position_angle,
        centre=parse_centre(options.centre) if options.centre else None,
    )


def draw_maps(
    results: dict[str, np.ndarray],
    data: CubeData,
    edges_gyr: tuple[float, ...],
    out: Path,
    distance_mpc: float | None = None,
    truth: dict[str, np.ndarray] | None = None,
) -> list[Path]:
    """Draw maps of averages, of kinematics and dust, and of some age bins, beside the FITS file.

    Parameters
    ----------
    results
        What `infer_cube` returned.
    data
        The cube.
    edges_gyr
        Age edges.
    out
        FITS file whose name the pictures take.
    distance_mpc
        For a scale bar in kpc; that of the redshift, as for masses, where it is not given.
    truth
        True maps (ny, nx) by product name, and `MASSFRAC` (n_bins, ny, nx).

    Returns
    -------
    list of Path
        The pictures.
    """
    grid = data.map_grid
    frame = _sky_frame(data, distance_mpc)
    scalars = {n: grid.paint(v) for n, v in results.items() if v.ndim == 2}
    per_bin = {
        f"{name}_{statistic}": grid.paint(np.ascontiguousarray(results[name][..., k]))
        for name in ("MASSFRAC", "MH")
        for k, statistic in enumerate(("MEAN", "STD", "P16", "P50", "P84"))
    }
    parts = ("averages", "other", "bins", "densities")
    paths = [out.with_name(f"{out.stem}_{part}.png") for part in parts]
    averages = ("LOGAGE_MW", "LOGAGE_LW", "MH_MW", "MH_LW")
    plot_maps(scalars, truth=truth, names=averages, frame=frame, path=paths[0])
    mass = "LOGMASS"
    if (data.n_spaxels > 1).any():
        # the mass of a bin tells its size
        scalars["LOGMASS_PER_BIN"] = scalars["LOGMASS"]
        mass = "SIGMA_STAR" if "SIGMA_STAR" in scalars else "LOGMASS_PER_BIN"
    names = [n for n in (mass, "AV", "V", "SIGMA", "T50", "ML_V") if _drawable(scalars[n])]
    plot_maps(scalars, truth=truth, names=names, frame=frame, path=paths[1])
    plot_bin_maps(per_bin, edges_gyr, frame=frame, truth=truth, path=paths[2])
    names = [n for n in _DENSITIES if n in scalars and _drawable(scalars[n])]
    if names:
        plot_maps(scalars, truth=truth, names=names, frame=frame, path=paths[3])
    return paths[: 3 + bool(names)]


def _sky_frame(data: CubeData, distance_mpc: float | None) -> SkyFrame:
    """Where the maps lie, at the distance that masses and areas have."""
    if not len(data.header):
        return SkyFrame()
    redshift = data.galaxy_redshift
    distance = float(luminosity_distance_mpc(np.array([redshift]), distance_mpc)[0])
    known = distance if np.isfinite(distance) else None
    return SkyFrame.from_header(data.header, known, redshift)


def _parse_spaxel(text: str) -> tuple[int, int]:
    """Read `x,y`."""
    try:
        x, y = (int(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"--spaxel {text!r}: expected x,y, e.g. 20,24") from error
    return x, y


def _drawable(plane: np.ndarray) -> bool:
    """Whether a map has anything to show."""
    return bool(np.isfinite(plane[0]).any())
