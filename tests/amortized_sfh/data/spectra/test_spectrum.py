"""One spectrum, and bringing it to a model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from amortized_sfh.data.spectra.spectrum import Spectrum
from simulators.instruments.instrument import Instrument
from simulators.noise.correlation import overlap_taps
from simulators.observations.observation import Observation


@pytest.fixture
def wave():
    return np.arange(4700.0, 7100.0, 1.25)


def test_spectrum_checks_itself(wave):
    ones = np.ones(wave.size)
    with pytest.raises(ValueError, match="flux has shape"):
        Spectrum(wave, ones[1:], ones, ones > 0)
    with pytest.raises(ValueError, match="medium is 'water'"):
        Spectrum(wave, ones, ones, ones > 0, "water")


def test_repr_says_in_one_line_what_it_holds(wave):
    ones = np.ones(wave.size)
    spectrum = Spectrum(wave, ones, ones, wave >= 5900.0, "vacuum", 1e-17, "NGC 3522", 0.0041)
    assert repr(spectrum) == (
        "Spectrum('NGC 3522', 1920 pixels, 4700-7099 Å in vacuum, 50 % to be used, "
        "unit 1e-17 erg/s/cm²/Å, z = 0.0041)"
    )
    bare = repr(Spectrum(wave, ones, ones, ones > 0))
    assert bare.endswith("in air, 100 % to be used, no flux unit, no redshift)")


def test_observe_keeps_the_noise_power_of_other_pixels():
    """Wide pixels and narrow ones of the same S/N per Å come out with the same errors."""
    instrument, redshift = Instrument(), 0.004
    sigmas = []
    for width in (0.8, 1.25 * 1.3, 2.0):
        wave = np.arange(4700.0, 7100.0, width)
        sigma = np.full(wave.size, 0.1 / np.sqrt(width))
        spectrum = Spectrum(wave, np.full(wave.size, 2.0), sigma, wave > 0)
        observation = spectrum.observe(instrument, redshift)
        _, taps = overlap_taps(instrument, observation.redshift)
        native = observation.sigma / taps.square().sum(-1).sqrt()
        sigmas.append(native[observation.valid].mean())
        flux = observation.flux[observation.valid]
        torch.testing.assert_close(flux, torch.full_like(flux, 2.0 * (1.0 + redshift)))
    # the taps drift in phase by a pixel edge here and there, hence the tolerance
    expected = torch.tensor(0.1 / np.sqrt(1.25) * (1.0 + redshift))
    for sigma in sigmas:
        assert sigma == pytest.approx(float(expected), rel=0.01)


def test_observe_leaves_the_instruments_own_pixels_alone():
    instrument, redshift = Instrument(), 0.004
    wave = instrument.pixels.start_aa + 1.25 * np.arange(2000)
    random = np.random.default_rng(0)
    flux, sigma = random.normal(2.0, 0.1, wave.size), random.uniform(0.05, 0.1, wave.size)
    observation = Spectrum(wave, flux, sigma, wave > 0).observe(instrument, redshift)
    plain = Observation.from_spectrum(wave, flux, sigma, redshift)
    use = observation.valid
    assert 1300 < int(use.sum()) < int(plain.valid.sum())  # lines and sky are masked
    torch.testing.assert_close(observation.flux[use], plain.flux[use])
    torch.testing.assert_close(observation.sigma[use], plain.sigma[use])


def test_observe_removes_the_foreground_and_scales_bands(wave):
    ones = np.ones(wave.size)
    spectrum = Spectrum(wave, ones, 0.1 * ones, ones > 0)
    bands = {"F555W": (1.0, 0.1)}
    plain = spectrum.observe(Instrument(), 0.004, photometry=bands)
    clear = spectrum.observe(Instrument(), 0.004, ebv=0.1, photometry=bands)
    ratio = (clear.flux / plain.flux)[plain.valid]
    # A_V = 0.31 mag near 5500 Å, less in the red
    assert ratio.max() > 10 ** (0.4 * 0.31) > ratio.min() > 1.0
    snr = [(o.flux / o.sigma)[plain.valid] for o in (clear, plain)]
    torch.testing.assert_close(*snr, rtol=1e-4, atol=0.0)
    assert plain.phot_valid.sum() == 1
    assert float(clear.phot[0, 3] / plain.phot[0, 3]) == pytest.approx(
        10 ** (0.4 * 0.317), abs=0.01
    )


def test_observe_puts_vacuum_lines_at_their_air_wavelength():
    redshift = 0.01
    wave = 10.0 ** np.arange(np.log10(4600.0), np.log10(7200.0), 1e-4)
    line = 5185.05 * (1.0 + redshift)  # Mg b 5183.60 in air
    flux = 1.0 - 0.5 * np.exp(-0.5 * ((wave - line) / 3.0) ** 2)
    spectrum = Spectrum(wave, flux, 0.01 * flux, wave > 0, "vacuum")
    instrument = Instrument()
    observation = spectrum.observe(instrument, redshift)
    grid = instrument.grid.centres_aa
    near = (grid - 5183.6).abs() < 9.0
    depth = (1.0 + redshift - observation.flux[0, near]).double()
    assert float((depth * grid[near]).sum() / depth.sum()) == pytest.approx(5183.60, abs=0.05)


def test_observe_does_not_let_bad_pixels_in(wave):
    flux = np.ones(wave.size)
    flux[500] = np.nan
    sigma = np.full(wave.size, 0.1)
    sigma[600] = np.nan
    valid = np.ones(wave.size, dtype=bool)
    flux[700], valid[700] = 1e9, False
    spectrum = Spectrum(wave * 1.0003, flux, sigma, valid)
    coarse = replace(spectrum, wavelength_aa=np.linspace(4700.0, 7300.0, wave.size))
    for observed in (spectrum.observe(Instrument(), 0.004), coarse.observe(Instrument(), 0.004)):
        assert torch.isfinite(observed.flux).all()
        assert torch.isfinite(observed.sigma).all()
        assert float(observed.flux.max()) < 1.1
