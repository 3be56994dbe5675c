"""The demo: a mock NGC 3627 with known truth, from files to maps, as a user would do it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table

from amortized_sfh.data.cubes.cube_data import CubeData, CubeOptions
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.data.mocks.files import MockTruth, read_mock_truth, write_mock_files
from amortized_sfh.inference.infer import infer
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.model.model_files import load_model
from amortized_sfh.products.map_figures import draw_maps
from amortized_sfh.products.observation_figures import draw_observation, scalar_truth
from amortized_sfh.quantities.derived import derive
from amortized_sfh.quantities.registry import LOGMASS, MASSFRAC, MH, RECOVERY
from amortized_sfh.workflows.infer_cube import InferenceOptions, infer_cube
from simulators.mock_galaxy.galaxy import mock_galaxy

N_SIDE, N_DRAWS, SEED = 40, 400, 3627


def demo(out: str | Path, *, overwrite: bool = False, model_name: str = "phangs-bc03") -> Table:
    """Make a mock galaxy, infer it, and compare with the truth.

    Parameters
    ----------
    out
        Folder for the files, maps, pictures and the table.
    overwrite
        If true, what an earlier run left is replaced.
    model_name
        Name or folder of the model to infer with.

    Returns
    -------
    Table
        Recovered against true, one row per quantity.
    """
    out = Path(out)
    model = load_model(model_name)
    galaxy = mock_galaxy(model.generative, n_side=N_SIDE, seed=SEED)
    files = write_mock_files(galaxy, out / "data", SEED, ebv=0.03, overwrite=overwrite)
    truth = read_mock_truth(files.truth)
    data = read_cube(
        files.cube,
        truth.redshift,
        ebv=truth.ebv,
        hst=files.hst,
        options=CubeOptions(grid=model.instrument.grid, noise_growth=0.0),
    )
    options = InferenceOptions(
        n_draws=N_DRAWS, seed=SEED, distance_mpc=truth.distance_mpc, command="amortized-sfh demo"
    )
    maps = infer_cube(model, data, options)
    maps.write(out / "maps.fits", overwrite=overwrite)
    values = true_values(model, truth, data)
    grid = data.map_grid
    painted = {name: grid.paint(np.asarray(v, np.float64)) for name, v in values.items()}
    draw_maps(maps, data, out / "maps.fits", truth.distance_mpc, painted)
    _one_spaxel(model, data, truth, out)
    table = recovery_table(maps, values)
    table.write(out / "recovery.ecsv", overwrite=True)
    return table


def true_values(model: PosteriorModel, truth: MockTruth, data: CubeData) -> dict[str, np.ndarray]:
    """Return the true products of every row.

    Parameters
    ----------
    model
        Model whose populations the galaxy is made of.
    truth
        Parameters and masses that the files were made from.
    data
        The cube as read, unbinned.

    Returns
    -------
    dict of str to ndarray
        Product name to values, (n_obs,) or (n_obs, n_bins).
    """
    rows = np.argsort(data.row[data.row >= 0])
    theta = truth.theta[torch.from_numpy(data.row >= 0)][torch.from_numpy(rows)]
    derived = derive(model.generative.simulator, theta)
    values = {name: v.numpy() for name, v in scalar_truth(model, theta).items()}
    mass = truth.mass_msun[data.row >= 0][rows]
    values[LOGMASS.name] = np.log10(mass * derived.alive.numpy())
    values[MASSFRAC.name] = derived.mass_fraction.numpy()
    values[MH.name] = theta[:, model.space.mh].numpy()
    return values


def recovery_table(results: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray]) -> Table:
    """Compare posterior means and intervals with the truth.

    Parameters
    ----------
    results
        Summaries (n_obs, 5) by product name.
    truth
        True values by product name, shape (n_obs,).

    Returns
    -------
    Table
        Bias and scatter of the mean, mean posterior width, and the share of truths between the 16th
        and 84th percentile (0.68 if calibrated).
    """
    rows = []
    for name in RECOVERY:
        mean, std, low, _, high = np.moveaxis(results[name], -1, 0)
        good = np.isfinite(mean)
        error = (mean - truth[name])[good]
        inside = (truth[name] > low) & (truth[name] < high)
        rows.append(
            (name, error.mean(), error.std(), std[good].mean(), inside[good].mean(), good.sum())
        )
    names = ("quantity", "bias", "scatter", "posterior_std", "inside_p16_p84", "n")
    table = Table(rows=rows, names=names)
    for name in names[1:5]:
        table[name].info.format = ".3f"
    return table


def _one_spaxel(model: PosteriorModel, data: CubeData, truth: MockTruth, out: Path) -> None:
    """Pictures of a spaxel in a spiral arm: the one with the most recent star formation."""
    snr = truth.snr[data.row >= 0]
    bright = torch.from_numpy(snr > np.median(snr))
    theta = truth.theta[torch.from_numpy(data.row >= 0)]
    recent = derive(model.generative.simulator, theta).log_ssfr_10
    chosen = int(torch.where(bright, recent, -torch.inf).argmax())
    row = int(data.row[data.row >= 0][chosen])
    y, x = (int(v[0]) for v in np.nonzero(data.row == row))
    observation = data.observation[row]
    samples = infer(model, observation, 4000, SEED, distance_mpc=truth.distance_mpc)
    folder = out / "spaxel"
    folder.mkdir(exist_ok=True)
    title = f"spaxel ({x}, {y})"
    draw_observation(model, observation, samples, folder, truth=theta[chosen], title=title)
