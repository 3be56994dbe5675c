"""Age averages conserve mass and light; interpolation in metallicity is exact where it must be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from priors.ages import AgeBins
from simulators.instruments.filters import photon_mean_flux, read_filter
from simulators.instruments.instrument import Instrument
from simulators.populations.ssp_basis import age_weights, build_basis
from simulators.wavelengths.rest_grid import LinearRestGrid

EDGES = np.asarray(AgeBins().edges_gyr)


@pytest.fixture(scope="module")
def basis(toy_library):
    return build_basis(toy_library, AgeBins(), Instrument())


def test_every_bin_keeps_one_solar_mass(toy_library):
    weights = age_weights(toy_library.age_gyr, EDGES)
    assert weights.shape == (16, len(toy_library.age_gyr))
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    assert (weights >= 0).all()


def test_mean_age_of_a_bin_at_constant_sfr():
    # exact for anything linear in age
    age = np.array([0.0, 0.001, 0.02, 0.3, 1.0, 5.0, 14.0])
    np.testing.assert_allclose(
        age_weights(age, EDGES) @ age, 0.5 * (EDGES[1:] + EDGES[:-1]), rtol=1e-12
    )


def test_constant_history_is_the_mean_of_the_grid(toy_library):
    # mass-weighted sum of the bins = time average of the library, by dense quadrature
    total = (np.diff(EDGES) / EDGES[-1]) @ age_weights(toy_library.age_gyr, EDGES)
    light = toy_library.lum[2].mean(axis=1).astype(float)
    t = np.concatenate([np.linspace(0, 0.1, 20001)[:-1], np.linspace(0.1, EDGES[-1], 50001)])
    curve = np.interp(t, toy_library.age_gyr, light)
    assert total @ light == pytest.approx(np.trapezoid(curve, t) / EDGES[-1], rel=1e-5)


@pytest.mark.parametrize(
    ("ages", "message"),
    [
        ([0.0, 1.0, 10.0], "age bins from 0 to 13.5 Gyr, but the library covers 0 to 10 Gyr"),
        ([0.03, 1.0, 14.0], "age bins from 0 to 13.5"),
        ([0.008, 1.0, 14.0], "younger than the library, which starts at 0.008 Gyr"),
    ],
)
def test_uncovered_ages_are_refused(ages, message):
    with pytest.raises(ValueError, match=message):
        age_weights(np.array(ages), EDGES)


def test_basis_has_the_light_of_the_library(toy_library, basis):
    weights = age_weights(toy_library.age_gyr, EDGES)
    averaged = np.einsum("ba,maw->bmw", weights, toy_library.lum.astype(float))
    wave = basis.velocity_grid.wave_aa
    for bin_, met in ((0, 0), (7, 2), (15, 3)):
        truth = np.interp(wave, toy_library.wave_aa, averaged[bin_, met])
        # the reference is linear between the library's wavelengths: a little off in sharp lines
        error = np.abs(basis.spectra[bin_, met].numpy() - truth)
        assert error.max() < 0.06 * truth.mean()
        assert np.sqrt(np.mean(error**2)) < 0.003 * truth.mean()
        assert float(basis.spectra[bin_, met].mean()) == pytest.approx(truth.mean(), rel=1e-4)
    light_v = photon_mean_flux(toy_library.wave_aa, averaged, read_filter("V"))
    np.testing.assert_allclose(basis.lum_v.numpy(), light_v, rtol=1e-3)


def test_surviving_mass_falls_with_age(toy_library, basis):
    alive = basis.mass_alive
    assert bool(((alive > 0) & (alive <= 1)).all())
    assert bool((torch.diff(alive, dim=0) < 0).all())
    assert basis.mass_kind == toy_library.mass_kind
    assert basis.sha256 == toy_library.sha256


def test_interpolation_returns_the_library_at_its_metallicities(basis):
    tables = basis.interpolated(basis.mh)
    for name, values in tables.items():
        torch.testing.assert_close(values, getattr(basis, name), rtol=1e-5, atol=0, msg=name)


def test_interpolation_stays_between_its_neighbours(basis):
    # a monotone cubic in log light never overshoots
    between = basis.interpolated(torch.tensor([-0.8, -0.5]))["spectra"]
    low = torch.minimum(basis.spectra[:, 1], basis.spectra[:, 2])[:, None]
    high = torch.maximum(basis.spectra[:, 1], basis.spectra[:, 2])[:, None]
    assert bool(((between >= low * 0.9999) & (between <= high * 1.0001)).all())


@pytest.mark.parametrize("mh", [-2.6, 0.7])
def test_metallicity_outside_the_library_is_refused(basis, mh):
    with pytest.raises(ValueError, match=r"of library 'toy', which covers -2\.30 to 0\.45"):
        basis.interpolated(torch.tensor([mh, 0.0]))


@pytest.mark.parametrize(
    ("wave_range_aa", "instrument", "needs"),
    [
        ((1800, 6500), Instrument(), "library covers 1800-6500 Å, the model needs"),
        ((7100, 9000), Instrument(), "library covers 7100-9000 Å, the model needs"),
        ((3540, 7400), Instrument(bands=("F275W",)), "3540-7400 Å, band F275W needs"),
        ((1800, 7400), Instrument(bands=("F814W",)), "1800-7400 Å, band F814W needs"),
        (
            (1800, 6800),
            Instrument(grid=LinearRestGrid(4800.0, 1.25, 1201), bands=()),
            "1800-6800 Å, the V band, in which light is weighed, needs",
        ),
    ],
)
def test_wavelengths_outside_the_library_are_refused(toy_library, wave_range_aa, instrument, needs):
    with pytest.raises(ValueError, match=needs):
        build_basis(toy_library.select(wave_range_aa=wave_range_aa), AgeBins(), instrument)


def test_dark_spectra_do_not_break_the_logarithm(toy_library):
    dark = replace(toy_library, lum=toy_library.lum * (toy_library.wave_aa > 3000))
    basis = build_basis(dark, AgeBins(), Instrument())
    assert all(bool(torch.isfinite(v).all()) for v in basis.interpolated(basis.mh).values())
