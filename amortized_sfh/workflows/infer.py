"""The workflow of `amortized-sfh infer`: files in, maps, draws, figures and profile out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from amortized_sfh.aggregation.radial_profile import ProfileOptions, locate_disc, radial_profile
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.inference.draw_files import check_draws_path, write_draws
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model_files import load_model
from amortized_sfh.plotting import plot_profile
from amortized_sfh.products.map_figures import draw_maps
from amortized_sfh.products.posterior_maps import PosteriorMaps
from amortized_sfh.requests.infer import InferRequest
from amortized_sfh.requests.toml_files import write_request
from amortized_sfh.workflows.cube_inputs import open_inputs, read_inputs
from amortized_sfh.workflows.infer_cube import InferenceOptions, infer_cube
from amortized_sfh.workflows.prepare_cube import prepare_cube
from simulators.files.whole_files import check_output, whole_file
from simulators.runs.device import choose_device


def run_infer(request: InferRequest, *, command: str = "") -> PosteriorMaps:
    """Infer the cube of a request and write its products.

    Parameters
    ----------
    request
        The request; it is kept beside the maps, so that the run can be repeated.
    command
        Command line for the header of the maps; none where the request was made in Python.

    Returns
    -------
    PosteriorMaps
        The maps as written.

    Raises
    ------
    FileExistsError
        If a product exists and may not be replaced.
    FileNotFoundError, InputFileError, ModelFileError
        If a file is missing or cannot be used.
    ValueError
        If the request cannot be met with these files.
    """
    # what can be wrong with the request is found before the long part
    paths = _product_paths(request)
    for path in paths.values():
        check_output(path, request.overwrite)
    if request.save_draws is not None:
        check_draws_path(request.save_draws)
    device = choose_device(request.device)
    inputs = open_inputs(request)
    model = load_model(request.model, device)
    data, kinematics = read_inputs(request, inputs, model)
    profile = _profile_options(request)
    kept = KeptDraws.of(request, data)
    # prepared once, for maps and profile alike
    data = prepare_cube(
        model, data, request.masks, measure_noise=request.noise.measure, seed=request.seed
    )
    if profile is not None:
        locate_disc(data, profile)
    options = InferenceOptions(
        n_draws=request.draws,
        seed=request.seed,
        distance_mpc=request.distance_mpc,
        orientation=request.disc.orientation(),
        masks=request.masks,
        kinematics=kinematics,
        command=command,
    )
    maps = infer_cube(model, data, options, visit=kept.visit)
    maps.write(paths["maps"], overwrite=request.overwrite)
    if "draws" in paths:
        kept.write(paths["draws"])
    if request.plots:
        draw_maps(maps, data, paths["maps"], request.distance_mpc)
    if profile is not None:
        table = radial_profile(model, data, profile)
        with whole_file(paths["profile"]) as partial:
            table.write(partial, format="ascii.ecsv", overwrite=True)
        if request.plots:
            plot_profile(table, path=paths["profile"].with_suffix(".png"))
    write_request(request, paths["request"])
    return maps


def _product_paths(request: InferRequest) -> dict[str, Path]:
    """Files that a run writes, but for its figures: draws and profile where they are asked for."""
    out = request.out
    paths = {"maps": out, "request": out.with_name(f"{out.stem}_request.toml")}
    if request.save_draws is not None:
        paths["draws"] = request.save_draws
    if request.profile.n_annuli is not None:
        paths["profile"] = out.with_name(f"{out.stem}_profile.ecsv")
    return paths


class KeptDraws:
    """Draws of the rows that a request wants kept.

    Parameters
    ----------
    rows
        Numbers of the rows, ascending, shape (n_kept,).
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        self._parts: list[PosteriorSamples] = []

    @classmethod
    def of(cls, request: InferRequest, data: CubeData) -> KeptDraws:
        """Return the collector of a request, empty as yet.

        Parameters
        ----------
        request
            The request, whose spaxels count in the whole cube.
        data
            The cube as read.

        Returns
        -------
        KeptDraws
            For all rows where draws are wanted but no spaxels are named.

        Raises
        ------
        ValueError
            If a spaxel has no data.
        """
        if request.save_draws is None:
            return cls(np.zeros(0, dtype=int))
        if not request.spaxels:
            return cls(np.arange(len(data)))
        return cls(np.unique([_row_of(data, x, y) for x, y in request.spaxels]))

    def visit(self, first: int, samples: PosteriorSamples) -> None:
        """Keep those of some consecutive rows that are wanted.

        Parameters
        ----------
        first
            Number of the first row.
        samples
            Draws of the rows from there on.
        """
        here = self.rows[(self.rows >= first) & (self.rows < first + len(samples))] - first
        if len(here):
            self._parts.append(samples[torch.from_numpy(here)])

    def write(self, path: Path) -> None:
        """Write the draws that were kept, with the numbers of their rows.

        Parameters
        ----------
        path
            ArviZ netCDF (.nc) or HDF5 (.h5) file.
        """
        if self._parts:
            write_draws(PosteriorSamples.cat(self._parts), path, self.rows)


def _row_of(data: CubeData, x: int, y: int) -> int:
    """Row of a spaxel of the whole cube."""
    (x0, y0), (ny, nx) = data.origin_xy, data.row.shape
    inside = x0 <= x < x0 + nx and y0 <= y < y0 + ny
    row = int(data.row[y - y0, x - x0]) if inside else -1
    if row < 0:
        raise ValueError(
            f"spaxel ({x}, {y}) of the cube has no data in the region {x0}:{x0 + nx},"
            f"{y0}:{y0 + ny}; choose another"
        )
    return row


def _profile_options(request: InferRequest) -> ProfileOptions | None:
    """Options of the radial profile that a request asks for, None without one."""
    if request.profile.n_annuli is None:
        return None
    return ProfileOptions(
        n_annuli=request.profile.n_annuli,
        orientation=request.disc.orientation(),
        distance_mpc=request.distance_mpc,
        effective_radius_arcsec=request.profile.effective_radius_arcsec,
        seed=request.seed,
    )
