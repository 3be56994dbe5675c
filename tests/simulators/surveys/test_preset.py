"""Presets of surveys: the package's own, one's own, and bad ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from simulators.contracts import check_noise
from simulators.forward.simulator import ModelSpectra
from simulators.instruments.instrument import Instrument
from simulators.instruments.lsf import PolynomialLsf, ResolvingPower
from simulators.instruments.observed_pixels import LinearObservedPixels, LogObservedPixels
from simulators.noise.correlation import banded_correlation, overlap_taps
from simulators.noise.noise_model import NoiseConfig, NoiseModel
from simulators.observations.conditions import Conditions, ConditionsPrior
from simulators.surveys.preset import preset_names, preset_text, read_preset
from simulators.wavelengths.rest_grid import LinearRestGrid, LogRestGrid

OWN = """
name = "mine"
bands = ["F555W", "F814W"]
n_spectra = 1000
[rest_frame]
start_aa = 4830.0
stop_aa = 5180.0
step_aa = 1.25
[observed_frame]
start_aa = 4700.0
step_aa = 1.25
[resolution]
fwhm_aa = 2.8
[redshift]
max = 0.05
max_bands = 0.02
[noise]
template_mag = [0.05, 0.03]
[conditions]
snr = [5, 50]
"""


@pytest.fixture
def own(tmp_path):
    """Write a changed copy of `OWN` and return its path."""

    def write(old: str = "", new: str = ""):
        assert old in OWN
        path = tmp_path / "mine.toml"
        path.write_text(OWN.replace(old, new) if old else OWN)
        return path

    return write


def test_the_default_preset_is_the_default():
    preset = read_preset()
    assert preset.instrument == Instrument()
    assert preset.noise == NoiseConfig()
    assert preset.conditions == ConditionsPrior()
    assert preset.n_spectra == 5_120_000


def test_surveys_of_the_package():
    assert {"manga", "phangs-muse-hst", "sdss"} <= set(preset_names())
    for name in preset_names():
        preset = read_preset(name)
        assert preset.name == preset.instrument.name == name
        assert preset.description
        assert preset.references


@pytest.mark.parametrize("name", ["manga", "sdss"])
def test_sdss_surveys_have_the_pixels_of_their_files(name):
    instrument = read_preset(name).instrument
    assert isinstance(instrument.grid, LogRestGrid)
    assert instrument.pixels.medium == "vacuum"
    # the pixels of SDSS are whole multiples of 1e-4 in log10 of the vacuum wavelength
    first = torch.log10(torch.tensor(instrument.pixels.start_aa, dtype=torch.float64)) * 1e4
    assert float(first) == pytest.approx(round(float(first)), abs=2e-3)
    assert instrument.pixel_ratio(0.05) == pytest.approx((1.0, 1.0), abs=1e-4)
    assert 3500.0 < instrument.observed_range_aa[0] < 3900.0


def _noise_of(name: str, n_pix: int = 70) -> NoiseModel:
    """Noise of a preset on a few of its pixels."""
    preset = read_preset(name)
    grid = replace(preset.instrument.grid, n_pix=n_pix)
    return NoiseModel(replace(preset.instrument, grid=grid), preset.noise)


@pytest.mark.parametrize("name", preset_names())
def test_noise_and_likelihood_are_one_distribution(name):
    noise, n = _noise_of(name), 300
    generator = torch.Generator().manual_seed(3)
    n_pix, n_band = noise.instrument.grid.n_pix, len(noise.instrument.bands)
    wave = torch.linspace(0, 6, n_pix)
    flux = (1.0 + 0.3 * torch.sin(wave) + 0.1 * torch.cos(5 * wave)).expand(n, -1)
    limits = noise.instrument.min_redshift, noise.instrument.max_redshift_bands
    valid = torch.rand(n, n_pix, generator=generator) < 0.9
    conditions = Conditions(
        redshift=torch.empty(n).uniform_(*limits, generator=generator),
        snr=torch.full((n,), 40.0),
        relative_noise=torch.linspace(0.8, 1.2, n_pix).expand(n, -1),
        valid=valid,
        phot_snr=torch.full((n, n_band), 25.0),
        phot_valid=torch.rand(n, n_band, generator=generator) < 0.8,
    )
    phot = torch.linspace(0.5, 1.2, n_band).expand(n, -1)
    check_noise(noise, ModelSpectra(flux, phot), conditions, generator)


@pytest.mark.parametrize("name", preset_names())
def test_drawn_pixels_have_the_covariance_of_the_likelihood(name):
    noise, n = _noise_of(name, 12), 40_000
    quiet = NoiseModel(
        noise.instrument, replace(noise.config, calibration_rms=(), template_rms=0.0)
    )
    n_band = len(noise.instrument.bands)
    redshift = torch.full((n,), 0.0171)
    conditions = Conditions(
        redshift=redshift,
        snr=torch.ones(n),
        relative_noise=torch.ones(n, 12),
        valid=torch.ones(n, 12, dtype=torch.bool),
        phot_snr=torch.ones(n, n_band),
        phot_valid=torch.ones(n, n_band, dtype=torch.bool),
    )
    light = ModelSpectra(torch.ones(n, 12), torch.ones(n, n_band))
    drawn = quiet.observe(light, conditions, torch.Generator().manual_seed(0)).flux - 1.0
    taps = overlap_taps(noise.instrument, redshift[:1])
    bands = banded_correlation(*taps, conditions.valid[:1])[0]
    expected = torch.zeros(12, 12, dtype=torch.float64)
    for lag in range(bands.shape[0]):
        rows = torch.arange(lag, 12)
        expected[rows, rows - lag] = expected[rows - lag, rows] = bands[lag, lag:]
    found = torch.cov(drawn.double().T)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


def test_one_of_your_own(own):
    preset = read_preset(own())
    assert preset.instrument == Instrument(
        name="mine",
        grid=LinearRestGrid(4830.0, 1.25, 281),
        bands=("F555W", "F814W"),
        lsf=PolynomialLsf(coefficients_aa=(2.8,)),
        pixels=LinearObservedPixels(start_aa=4700.0, step_aa=1.25),
        sky_ranges_aa=(),
        max_redshift=0.05,
        max_redshift_bands=0.02,
    )
    assert preset.noise == NoiseConfig(template_mag=(0.05, 0.03))
    assert preset.conditions == ConditionsPrior(snr=(5.0, 50.0))
    mock = preset.generative("toy").mock(8, seed=1)
    assert mock.observation.flux.shape == (8, 281)
    assert mock.observation.phot.shape == (8, 2)
    assert bool(torch.isfinite(mock.observation.flux).all())


def test_log_pixels_and_resolving_power(own):
    path = own()
    text = OWN.replace('bands = ["F555W", "F814W"]', "bands = []")
    text = text.replace("step_aa = 1.25\n[observed", "log_step = 1.2e-4\n[observed")
    text = text.replace("step_aa = 1.25", 'log_step = 1e-4\nmedium = "vacuum"')
    text = text.replace("fwhm_aa = 2.8", "wave_aa = [4000, 6000]\nresolving_power = [1500, 2000]")
    text = text.replace("max_bands = 0.02\n", "")
    text = text.replace("template_mag = [0.05, 0.03]", "")
    path.write_text(text)
    instrument = read_preset(path).instrument
    assert instrument.pixels == LogObservedPixels(start_aa=4700.0, log_step=1e-4)
    assert instrument.lsf == ResolvingPower(wave_aa=(4000.0, 6000.0), power=(1500.0, 2000.0))
    assert (instrument.max_redshift_bands, instrument.bands) == (0.05, ())
    mock = read_preset(path).generative("toy").mock(6, seed=1)
    assert mock.observation.phot.shape == (6, 0)
    # without bands the redshifts fill the range
    drawn = ConditionsPrior().sample_redshift(2000, instrument, torch.Generator().manual_seed(0))
    assert float(drawn.mean()) == pytest.approx(0.025, abs=0.002)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "mine"', 'nane = "mine"', "unknown key 'nane'; did you mean 'name'"),
        ("snr = [5", "snrr = [5", r"unknown key 'snrr' in \[conditions\]; did you mean 'snr'"),
        ("[noise]", "[noisy]", "unknown key 'noisy'; did you mean 'noise'"),
        ("stop_aa", "end_aa", r"unknown key 'end_aa' in \[rest_frame\]"),
        ("start_aa = 4700.0\n", "", r"\[observed_frame\] has no 'start_aa'"),
        ("max = 0.05", "max = '0.05'", r"\[redshift\]: max is '0.05'; expected a number"),
        ("max = 0.05", "max = 0.01", "out of order"),
        ("5180.0", "4180.0", "is no range"),
        ("fwhm_aa = 2.8", "fwhm_aa = -2.8", "positive width"),
        ("fwhm_aa = 2.8", "", r"\[resolution\]: expected one of fwhm_aa"),
        ("fwhm_aa = 2.8", "fwhm_aa = 2.8\nwave_aa = [5000]", "wave_aa belongs to resolving_power"),
        ("step_aa = 1.25\n[o", "[o", "step_aa is None and log_step is None"),
        ("step_aa = 1.25\n[o", "step_aa = 1.25\nlog_step = 1e-4\n[o", "expected one of them"),
        ("step_aa = 1.25\n[o", "step_aa = 1.0\n[o", "0.800 observed pixels wide .* at least 1"),
        ("step_aa = 1.25\n[r", 'step_aa = 1.25\nmedium = "ether"\n[r', "'air' or 'vacuum'"),
        ("step_aa = 1.25\n[r", "step_aa = 1.25\nrange_aa = [9000, 4000]\n[r", "is none"),
        (
            "step_aa = 1.25\n[r",
            "step_aa = 1.25\nrange_aa = [8000, 9000]\n[r",
            r"at z = 0 only 0 % of the model's pixels \(4830-5180 Å observed\) are inside range_aa",
        ),
        (
            "step_aa = 1.25\n[r",
            "step_aa = 1.25\nrange_aa = [4800, 5100]\nsky_ranges_aa = [[5050, 6000]]\n[r",
            r"at z = 0\.0\d+ only \d %",
        ),
        ('name = "mine"', 'name = ""', "name is ''; expected letters"),
        ('name = "mine"', 'name = "../mine"', "name is '../mine'; expected letters"),
        ("F814W", "F606W", "no filter curve of band 'F606W'; did you mean"),
        ("F814W", "F555W", "expected each of them once"),
        ('bands = ["F555W", "F814W"]', "bands = []", "max_bands is given, but bands is"),
        ("[0.05, 0.03]", "[0.05]", "template_mag has 1 values for 2 bands"),
        ("[0.05, 0.03]", "[0.05, -0.03]", "expected no negative size"),
        ("[5, 50]", "[50, 5]", "snr is 50 to 5"),
        ("[5, 50]", "[5, 50]\nfaint_share = 3", "faint_share is 3.0"),
        ("n_spectra = 1000", "n_spectra = 0", "n_spectra is 0"),
        ("[noise]\ntemplate_mag = [0.05, 0.03]", "", "template_mag has 5 values for 2 bands"),
        ("[rest_frame]", "rest_frame = 3\n[rest]", "unknown key 'rest'|expected a table"),
        ("[rest_frame]", "[rest_frame", "is no TOML file"),
    ],
)
def test_bad_presets(own, old, new, message):
    with pytest.raises(ValueError, match=message) as raised:
        read_preset(own(old, new))
    assert "mine.toml" in str(raised.value)


def test_names_that_are_none():
    with pytest.raises(FileNotFoundError, match="'mangaa'; did you mean 'manga'"):
        read_preset("mangaa")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.toml"):
        preset_text("nowhere.toml")


def test_a_library_that_is_too_coarse_is_refused(own):
    # the toy library has 20 Å beyond 7100 Å
    path = own()
    path.write_text(OWN.replace("4830.0", "7000.0").replace("5180.0", "7300.0"))
    with pytest.raises(
        ValueError, match=r"'toy' has a resolution of 20\.0 Å .* 'mine' one of 2\.8"
    ):
        read_preset(path).generative("toy")


@pytest.mark.parametrize("name", ["manga", "sdss"])
@pytest.mark.usefixtures("bc03_library")
def test_bc03_serves_the_surveys(name):
    mock = read_preset(name).generative("bc03-miles").mock(4, seed=2)
    assert mock.observation.flux.shape == (4, 3040)
    assert mock.observation.phot.shape == (4, 0)
    assert bool(torch.isfinite(mock.spectra.flux).all())
    assert 0.5 < float(mock.observation.valid.float().mean()) < 0.95
