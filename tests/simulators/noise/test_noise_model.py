"""What is drawn and what the likelihood says are one distribution, checked with dense algebra."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from simulators.contracts import check_noise
from simulators.forward.simulator import ModelSpectra
from simulators.instruments.instrument import Instrument
from simulators.noise.correlation import overlap_taps
from simulators.noise.likelihood import Likelihood
from simulators.noise.noise_model import NoiseConfig, NoiseModel
from simulators.noise.profile import NoiseProfile
from simulators.noise.template_mismatch import TemplateMismatch
from simulators.observations.conditions import Conditions, ConditionsPrior
from simulators.wavelengths.rest_grid import LinearRestGrid

N_PIX = 60
INSTRUMENT = Instrument(grid=LinearRestGrid(5000.0, 1.25, N_PIX))
REDSHIFT = 0.0071


def _measured() -> NoiseModel:
    """A noise model with a measured mismatch, correlated native pixels and sky residuals."""
    wave = torch.linspace(0, 1, N_PIX + 5)
    modes = torch.stack([0.03 * torch.cos(7 * wave), 0.02 * wave, 0.05 * wave**2])
    observed = np.arange(4900.0, 6200.0, 2.5)
    kernel = np.array([0.2, 0.9, 0.2])
    sky = 0.8 * np.exp(-0.5 * ((observed - 5072.0) / 3.0) ** 2)
    profile = NoiseProfile(
        name="test",
        wave_aa=observed,
        scale=np.ones_like(observed),
        kernel=tuple((kernel / np.linalg.norm(kernel)).tolist()),
        growth=1.0,
        sky_modes=sky[None],
        source="made up",
    )
    mismatch = TemplateMismatch(modes=modes, library="a", other="b", explained=1.0, n_histories=3)
    return NoiseModel(INSTRUMENT, mismatch=mismatch, profile=profile)


@pytest.fixture(scope="module", params=["default", "measured"])
def noise(request):
    return NoiseModel(INSTRUMENT) if request.param == "default" else _measured()


def _light(n: int) -> ModelSpectra:
    """One wavy spectrum, n times."""
    wave = torch.linspace(0, 6, N_PIX)
    flux = 1.0 + 0.3 * torch.sin(wave) + 0.1 * torch.cos(5 * wave)
    phot = torch.tensor([0.3, 0.5, 1.1, 1.2, 0.9])
    level = flux.mean()
    return ModelSpectra((flux / level).expand(n, -1), (phot / level).expand(n, -1))


def _conditions(n: int, snr: float = 60.0, phot_snr: float = 25.0) -> Conditions:
    """Fixed conditions with six pixels and one band masked."""
    valid = torch.ones(n, N_PIX, dtype=torch.bool)
    valid[:, 20:25] = False
    valid[:, 40] = False
    phot_valid = torch.tensor([True, True, False, True, True]).expand(n, -1)
    return Conditions(
        redshift=torch.full((n,), REDSHIFT),
        snr=torch.full((n,), snr),
        relative_noise=torch.linspace(0.8, 1.2, N_PIX).expand(n, -1),
        valid=valid,
        phot_snr=torch.full((n, 5), phot_snr),
        phot_valid=phot_valid,
    )


def _dense(noise: NoiseModel, amplitude: float = 1.0, **settings) -> tuple[torch.Tensor, ...]:
    """Mean and covariance of all pixels and bands at an amplitude, and which are used."""
    light, conditions = _light(1), _conditions(1, **settings)
    index, weight = overlap_taps(INSTRUMENT, conditions.redshift)
    first, n_native = int(index.min()), int(index.max()) - int(index.min()) + 3
    native = torch.zeros(N_PIX, n_native, dtype=torch.float64)
    for k in range(3):
        native[torch.arange(N_PIX), index[0] + k - first] = weight[0, :, k].double()
    lag = torch.arange(n_native)[:, None] - torch.arange(n_native)
    taps = noise.kernel.double().numpy()
    overlap = np.correlate(taps, taps, mode="full")
    lag = (lag + len(taps) - 1).clamp(-1, len(overlap))
    between = torch.from_numpy(np.concatenate([overlap, [0.0, 0.0]]))[lag]
    sky = noise.sky_modes(torch.arange(first, first + n_native)).double()
    between = between + sky.T @ sky
    sigma = (conditions.relative_noise / conditions.snr[:, None])[0].double()
    mean = torch.cat([light.flux[0], light.phot[0]]).double() * amplitude
    covariance = torch.zeros(N_PIX + 5, N_PIX + 5, dtype=torch.float64)
    covariance[:N_PIX, :N_PIX] = sigma[:, None] * sigma * (native @ between @ native.T)
    phot_sigma = (light.phot / conditions.phot_snr)[0].double()
    covariance[N_PIX:, N_PIX:] = torch.diag(phot_sigma**2)
    modes = noise.modes.double() * mean
    used = torch.cat([conditions.valid[0], conditions.phot_valid[0]])
    return mean, covariance + modes.T @ modes, used


def _joined(observation) -> torch.Tensor:
    return torch.cat([observation.flux, observation.phot], dim=1).double()


def test_contract(noise):
    generator = torch.Generator().manual_seed(2)
    prior = ConditionsPrior(snr=(5, 200), faint_share=0, phot_snr=(5, 100))
    conditions = prior.sample(500, INSTRUMENT, generator)
    conditions = conditions._replace(valid=conditions.valid | (torch.arange(N_PIX) < 40))
    check_noise(noise, _light(500), conditions, generator)


class Rippled(NoiseModel):
    """A noise model of another file: one more mode, a ripple along the spectrum."""

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument)
        ripple = torch.cat([0.1 * torch.sin(torch.arange(N_PIX) / 2.0), torch.zeros(5)])
        self.modes = torch.cat([self.modes, ripple[None]])


def test_a_subclass_with_other_modes_keeps_the_contract():
    generator = torch.Generator().manual_seed(1)
    check_noise(Rippled(INSTRUMENT), _light(400), _conditions(400), generator)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"calibration_rms": (0.0, 0.0), "template_rms": 0.0}, "chi-square of its own spectra"),
        ({"common_zero_point_mag": 0.1}, "chi-square of its own bands"),
        ({"template_mag": (0.1, 0.05, 0.02, 0.02, 0.02)}, "chi-square of its own bands"),
    ],
)
def test_contract_sees_a_likelihood_of_another_noise(noise, change, message):
    def other(noise, observation):
        return Likelihood(NoiseModel(noise.instrument, NoiseConfig(**change)), observation)

    generator = torch.Generator().manual_seed(0)
    with pytest.raises(ValueError, match=message):
        check_noise(NoiseModel(INSTRUMENT), _light(400), _conditions(400), generator, other)


def test_empirical_covariance_is_the_dense_one(noise):
    n = 40_000
    observation = noise.observe(_light(n), _conditions(n), torch.Generator().manual_seed(1))
    mean, covariance, _ = _dense(noise)
    data = _joined(observation)
    error = covariance.diagonal().sqrt()
    assert float(((data.mean(0) - mean) / error).abs().max()) < 5 / math.sqrt(n)
    expected = covariance / (error[:, None] * error)
    found = (data - mean).T @ (data - mean) / n / (error[:, None] * error)
    # the error of a correlation coefficient is at most sqrt(2 / n)
    assert float((found - expected).abs().max()) < 5 * math.sqrt(2 / n)
    # and all parts of the model are needed for that
    assert float(expected.diagonal(1)[:59].min()) > 0.3
    assert float(expected[60, 61]) > 0.5
    between = float(expected[:60, 60:].abs().max())
    assert between > 0.3 if noise.mismatch else between == 0.0


def test_sigma_is_the_propagated_error(noise):
    observation = noise.observe(_light(2), _conditions(2), torch.Generator().manual_seed(1))
    _, quiet, _ = _dense(NoiseModel(INSTRUMENT, _no_modes()))
    torch.testing.assert_close(
        observation.sigma[0].double(), quiet.diagonal()[:60].sqrt(), rtol=1e-5, atol=0
    )
    torch.testing.assert_close(
        observation.phot_sigma[0].double(), quiet.diagonal()[60:].sqrt(), rtol=1e-5, atol=0
    )


def _no_modes() -> NoiseConfig:
    return NoiseConfig(
        calibration_rms=(0.0, 0.0), template_rms=0.0, common_zero_point_mag=0.0,
        band_zero_point_mag=1e-6, template_mag=(0.0,) * 5,
    )  # fmt: skip


@pytest.mark.parametrize("settings", [{}, {"snr": 200.0, "phot_snr": 80.0}])
def test_log_prob_is_the_integral_over_the_amplitude(noise, settings):
    """Against dense multivariate normals, integrated over amplitude with prior 1/A."""
    conditions = _conditions(6, **settings)
    observation = noise.observe(_light(6), conditions, torch.Generator().manual_seed(4))
    model = ModelSpectra(3.7 * _light(6).flux[:, None], 3.7 * _light(6).phot[:, None])
    found = Likelihood(noise, observation).log_prob(model)[:, 0]
    amplitudes = torch.linspace(0.9, 1.1, 801, dtype=torch.float64)
    terms = []
    for amplitude in amplitudes:
        mean, covariance, used = _dense(noise, float(amplitude), **settings)
        density = torch.distributions.MultivariateNormal(mean[used], covariance[used][:, used])
        terms.append(density.log_prob(_joined(observation)[:, used]) - amplitude.log())
    step = float(amplitudes[1] - amplitudes[0])
    expected = torch.logsumexp(torch.stack(terms), dim=0) + math.log(step)
    # systematic errors are taken at the best amplitude: right to a few hundredths of a nat
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0)
    differences = (found - found.mean()) - (expected - expected.mean())
    assert float(differences.abs().max()) < 0.05


def test_chi2_is_that_of_the_dense_covariance(noise):
    observation = noise.observe(_light(3), _conditions(3), torch.Generator().manual_seed(4))
    model = ModelSpectra(_light(3).flux[:, None], _light(3).phot[:, None])
    likelihood = Likelihood(noise, observation)
    best, _ = likelihood.amplitude(model)
    for row in range(3):
        mean, covariance, used = _dense(noise, float(best[row, 0]))
        residual = (_joined(observation)[row] - mean)[used]
        chi2 = residual @ torch.linalg.solve(covariance[used][:, used], residual)
        assert float(likelihood.chi2(model)[row, 0]) == pytest.approx(float(chi2), rel=1e-3)


def test_likelihood_prefers_the_truth(noise):
    observation = noise.observe(_light(50), _conditions(50), torch.Generator().manual_seed(6))
    true = _light(50)
    wrong = ModelSpectra(true.flux * torch.linspace(1, 1.6, N_PIX), true.phot)
    both = ModelSpectra(*(torch.stack(pair, dim=1) for pair in zip(true, wrong, strict=True)))
    log_prob = Likelihood(noise, observation).log_prob(both)
    assert log_prob.shape == (50, 2)
    assert bool((log_prob[:, 0] > log_prob[:, 1]).all())


def test_negative_and_faint_data_have_a_finite_likelihood(noise):
    conditions = _conditions(20, snr=0.05, phot_snr=0.3)
    observation = noise.observe(_light(20), conditions, torch.Generator().manual_seed(0))
    observation = replace(observation, flux=observation.flux - 5.0)
    likelihood = Likelihood(noise, observation)
    model = ModelSpectra(_light(20).flux[:, None], _light(20).phot[:, None])
    assert bool(torch.isfinite(likelihood.log_prob(model)).all())
    assert bool(torch.isfinite(likelihood.chi2(model)).all())


@pytest.mark.parametrize("masked", ["spectrum", "bands", "both"])
def test_observations_without_spectrum_or_bands(noise, masked):
    conditions = _conditions(4)
    if masked != "bands":
        conditions = conditions._replace(valid=torch.zeros_like(conditions.valid))
    if masked != "spectrum":
        conditions = conditions._replace(phot_valid=torch.zeros_like(conditions.phot_valid))
    observation = noise.observe(_light(4), conditions, torch.Generator().manual_seed(0))
    likelihood = Likelihood(noise, observation)
    model = ModelSpectra(_light(4).flux[:, None], _light(4).phot[:, None])
    assert int(likelihood.n_data[0]) == {"spectrum": 4, "bands": 54, "both": 0}[masked]
    if masked != "both":
        assert bool(torch.isfinite(likelihood.log_prob(model)).all())
        assert float(likelihood.amplitude(model)[0].mean()) == pytest.approx(1.0, abs=0.2)


def test_log_prob_is_differentiable(noise):
    observation = noise.observe(_light(2), _conditions(2), torch.Generator().manual_seed(0))
    likelihood = Likelihood(noise, observation)
    flux = _light(2).flux[:, None].clone().double().requires_grad_(True)
    phot = _light(2).phot[:, None].double()
    (gradient,) = torch.autograd.grad(likelihood.log_prob(ModelSpectra(flux, phot)).sum(), flux)
    step = torch.zeros_like(flux)
    step[:, :, 10:14] = 1e-4
    with torch.no_grad():
        up, down = (likelihood.log_prob(ModelSpectra(flux + s, phot))[:, 0] for s in (step, -step))
    numeric = (up - down) / 2
    torch.testing.assert_close((gradient * step).sum((1, 2)), numeric, rtol=0.05, atol=1e-6)


def test_spectral_modes_are_orthogonal_with_their_sizes(noise):
    all_modes = NoiseModel(Instrument()).modes.double()
    assert all_modes.shape == (15, 1766)
    assert float(all_modes[:10, 1761:].abs().max()) == 0.0
    modes = all_modes[:10, :1761]
    gram = modes @ modes.T / modes.shape[1]
    expected = torch.tensor([0.02, 0.01] + [0.01 / math.sqrt(8)] * 8).double()
    torch.testing.assert_close(gram.diagonal().sqrt(), expected, rtol=1e-5, atol=0)
    off = gram / (expected[:, None] * expected) - torch.eye(10)
    assert float(off.abs().max()) < 0.02


def test_band_errors_have_their_sizes_in_magnitudes(noise):
    bands = NoiseModel(INSTRUMENT).modes[:, N_PIX:].double()
    covariance = bands.T @ bands
    mag = covariance.diagonal().sqrt() / (0.4 * math.log(10))
    template = torch.tensor([0.20, 0.10, 0.04, 0.03, 0.03]).double()
    torch.testing.assert_close(mag, (template**2 + 0.03**2 + 0.04**2).sqrt(), rtol=1e-5, atol=0)


def test_config_survives_json_and_is_checked():
    config = NoiseConfig(template_rms=0.02)
    assert NoiseConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ValueError, match="template_mag has 2 values for 5 bands"):
        NoiseModel(INSTRUMENT, NoiseConfig(template_mag=(0.1, 0.1)))


def test_moving_keeps_the_noise(noise):
    moved = noise.to("cpu")
    assert torch.equal(moved.modes, noise.modes)
    pixels = torch.arange(20)
    assert torch.equal(moved.sky_modes(pixels), noise.sky_modes(pixels))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_gives_the_same_likelihood(noise):
    observation = noise.observe(_light(8), _conditions(8), torch.Generator().manual_seed(4))
    model = ModelSpectra(_light(8).flux[:, None], _light(8).phot[:, None])
    there = Likelihood(noise.to("cuda"), observation.to("cuda"))
    found = there.log_prob(ModelSpectra(*(v.cuda() for v in model))).cpu()
    torch.testing.assert_close(found, Likelihood(noise, observation).log_prob(model))
