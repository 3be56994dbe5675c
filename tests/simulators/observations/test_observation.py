from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from simulators.observations.observation import BANDS, Observation, check_redshift
from simulators.wavelengths.air import air_to_vacuum
from simulators.wavelengths.rest_grid import LinearRestGrid

WAVE = np.arange(4700.0, 7200.0, 1.25)
GRID = LinearRestGrid(4800.0, 1.25, 50)


def make(n_obs=3, n_pix=20, unit=1e-20):
    generator = torch.Generator().manual_seed(0)
    return Observation(
        flux=torch.randn(n_obs, n_pix, generator=generator),
        sigma=torch.ones(n_obs, n_pix),
        valid=torch.ones(n_obs, n_pix, dtype=torch.bool),
        phot=torch.randn(n_obs, 5, generator=generator),
        phot_sigma=torch.ones(n_obs, 5),
        phot_valid=torch.ones(n_obs, 5, dtype=torch.bool),
        redshift=torch.arange(n_obs) / 1000.0,
        unit_cgs=unit,
    )


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().unit_cgs = 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sigma", torch.ones(3, 19)),
        ("valid", torch.ones(3, 20)),
        ("phot", torch.ones(3, 4)),
        ("phot_valid", torch.ones(2, 5, dtype=torch.bool)),
        ("redshift", torch.zeros(3, 1)),
        ("unit_cgs", 0.0),
    ],
)
def test_fields_that_do_not_fit_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(make(), **{name: value})


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        (1, [1]),
        (-1, [2]),
        (slice(0, 2), [0, 1]),
        ([2, 0], [2, 0]),
        (np.array([True, False, True]), [0, 2]),
        (torch.tensor([1]), [1]),
    ],
)
def test_indexing_keeps_every_field_together(key, rows):
    obs = make()
    part = obs[key]
    assert len(part) == len(rows)
    assert torch.equal(part.flux, obs.flux[rows])
    assert torch.equal(part.phot, obs.phot[rows])
    assert torch.equal(part.redshift, obs.redshift[rows])
    assert part.unit_cgs == obs.unit_cgs


def test_cat_undoes_splitting():
    obs = make()
    joined = Observation.cat([obs[:1], obs[1:]])
    assert torch.equal(joined.flux, obs.flux)
    assert torch.equal(joined.phot_valid, obs.phot_valid)


@pytest.mark.parametrize(
    ("parts", "named"),
    [([], "nothing|no obs"), ([make(), make(unit=1.0)], "unit"), ([make(), make(3, 9)], "n_pix")],
)
def test_cat_refuses_what_does_not_belong_together(parts, named):
    with pytest.raises(ValueError, match=named):
        Observation.cat(parts)


def test_clean_makes_everything_unusable_harmless():
    obs = make()
    obs.flux[0, 0], obs.sigma[0, 1], obs.sigma[0, 2], obs.sigma[0, 3] = (
        float("nan"),
        0.0,
        -1.0,
        float("inf"),
    )
    obs.phot[1, 4] = float("inf")
    clean = obs.clean()
    assert clean.valid[0, :5].tolist() == [False, False, False, False, True]
    assert clean.flux[0, :4].tolist() == [0.0] * 4
    assert clean.phot_valid[1].tolist() == [True, True, True, True, False]
    for field in ("flux", "sigma", "phot", "phot_sigma"):
        assert bool(torch.isfinite(getattr(clean, field)).all())
    assert int((~clean.valid).sum()) == 4


def test_spectrum_comes_to_the_rest_frame_with_its_bands():
    flux = np.full_like(WAVE, 2.0)
    obs = Observation.from_spectrum(
        WAVE, flux, 0.1 * flux, 0.01, photometry={"F814W": (3.0, 0.3), "F275W": (-0.1, 0.2)}
    )
    assert (len(obs), obs.n_pix) == (1, 1761)
    torch.testing.assert_close(obs.flux[obs.valid], torch.full((1761,), 2.02))
    assert obs.phot_valid[0].tolist() == [True, False, False, False, True]
    assert obs.phot[0, 4] == pytest.approx(3.03)
    assert obs.phot[0, 0] == pytest.approx(-0.101)
    assert obs.phot_sigma[0, 4] == pytest.approx(0.303)
    assert BANDS == ("F275W", "F336W", "F438W", "F555W", "F814W")


def test_bands_are_those_of_the_instrument():
    flux = np.full_like(WAVE, 2.0)
    obs = Observation.from_spectrum(
        WAVE, flux, 0.1 * flux, 0.01, photometry={"V": (3.0, 0.3)}, bands=("F555W", "V")
    )
    assert obs.n_band == 2
    assert obs.phot_valid[0].tolist() == [False, True]
    none = Observation.from_spectrum(WAVE, flux, 0.1 * flux, 0.01, bands=())
    assert (none.n_band, tuple(none[:1].clean().phot.shape)) == (0, (1, 0))
    with pytest.raises(ValueError, match="'F555W'; the model has no bands"):
        Observation.from_spectrum(WAVE, flux, flux, 0.01, photometry={"F555W": (1, 1)}, bands=())
    with pytest.raises(ValueError, match="n_band"):
        Observation.cat([obs, none])


def test_bands_in_another_order():
    obs = make()
    assert obs.in_bands(BANDS) is obs
    some = obs.in_bands(("F814W", "V", "F275W"))
    assert torch.equal(some.phot[:, [0, 2]], obs.phot[:, [4, 0]])
    assert some.phot_valid[0].tolist() == [True, False, True]
    none = obs.in_bands(())
    assert (none.n_band, none.phot_valid.dtype) == (0, torch.bool)
    with pytest.raises(ValueError, match="has 3 bands"):
        some.in_bands(("F814W",))


def test_vacuum_spectrum_puts_halpha_where_air_does():
    def peak(wave, medium):
        flux = 1.0 + np.exp(-0.5 * ((air - 6562.801 * 1.00243) / 3.0) ** 2)
        obs = Observation.from_spectrum(wave, flux, 0.1 * flux, 0.00243, medium=medium)
        light = (obs.flux[0] - 1.0).clamp(min=0.05) - 0.05
        centres = LinearRestGrid().centres_aa
        return float((light * centres).sum() / light.sum())

    air = WAVE
    vacuum = air_to_vacuum(torch.tensor(air)).numpy()
    assert peak(air, "air") == pytest.approx(6562.8, abs=0.1)
    assert peak(vacuum, "vacuum") == pytest.approx(peak(air, "air"), abs=0.01)


def test_spectrum_in_cgs_survives_single_precision():
    flux = np.full_like(WAVE, 3e-18)
    obs = Observation.from_spectrum(
        WAVE, flux, 1e-3 * flux, 0.0, photometry={"F555W": (3e-18, 1e-20)}, unit_cgs=1.0
    )
    assert bool(obs.valid.all())
    assert float((obs.sigma**2).min()) > 1e-6
    assert float(obs.flux[0, 0]) * obs.unit_cgs == pytest.approx(3e-18)
    assert float(obs.phot[0, 3]) * obs.unit_cgs == pytest.approx(3e-18)
    unknown = Observation.from_spectrum(WAVE, flux, 1e-3 * flux, 0.0)
    assert unknown.unit_cgs is None


def test_bad_values_are_masked_not_errors():
    flux = np.ones((2, len(WAVE)))
    sigma = np.full_like(flux, 0.1)
    flux[0, 300], sigma[0, 400], sigma[1] = np.nan, -1.0, 0.0
    mask = np.ones_like(flux, dtype=bool)
    mask[0, 500] = False
    obs = Observation.from_spectrum(WAVE, flux, sigma, 0.0, valid=mask)
    assert 0 < int((~obs.valid[0]).sum()) <= 9
    assert not bool(obs.valid[1].any())
    assert bool(torch.isfinite(obs.flux).all())


@pytest.mark.parametrize("redshift", [None, float("nan"), -0.5, 729.0])
def test_missing_or_absurd_redshift(redshift):
    with pytest.raises(ValueError, match="redshift"):
        check_redshift(redshift)
    with pytest.raises(ValueError, match="redshift"):
        Observation.from_spectrum(WAVE, np.ones_like(WAVE), np.ones_like(WAVE), redshift)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"flux": np.ones(3)}, "flux has shape"),
        ({"sigma": np.ones((2, len(WAVE)))}, "sigma has shape"),
        ({"wavelength_aa": WAVE - 3000.0}, "misses the model"),
        ({"photometry": {"F606W": (1.0, 0.1)}}, "unknown band 'F606W'"),
        ({"photometry": {"F555W": (np.ones(3), 0.1)}}, "F555W has shape"),
        ({"medium": "ether"}, "medium"),
    ],
)
def test_clear_errors(change, named):
    arguments = {
        "wavelength_aa": WAVE,
        "flux": np.ones_like(WAVE),
        "sigma": np.ones_like(WAVE),
        "redshift": 0.0,
        "grid": GRID,
    }
    with pytest.raises(ValueError, match=named):
        Observation.from_spectrum(**(arguments | change))


def test_repr_says_what_is_held():
    flux = torch.full((300, 40), 6.0)
    bands = torch.ones(300, 5)
    valid = torch.arange(40).expand(300, -1) < 30
    z = torch.linspace(0.01, 0.02, 300)
    many = Observation(flux, flux / 12.0, valid, bands, bands, bands > 0, z, 1e-20)
    assert repr(many) == (
        "Observation(300 spectra of 40 pixels, 5 bands, z = 0.01-0.02, 75 % to be used, "
        "median S/N 12, 1e-20 erg/s/cm²/Å)"
    )
    assert repr(dataclasses.replace(many[:1], unit_cgs=None)) == (
        "Observation(1 spectrum of 40 pixels, 5 bands, z = 0.01, 75 % to be used, "
        "median S/N 12, no flux unit)"
    )
    assert repr(many[:0]) == "Observation(no spectra, 40 pixels, 5 bands)"
    dark = dataclasses.replace(many, valid=torch.zeros_like(valid))
    assert "0 % to be used, median S/N nan" in repr(dark)
    assert "300 spectra of 40 pixels, 5 bands, 1e-20" in repr(many.to("meta"))
