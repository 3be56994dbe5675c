"""A noise model with measured parts survives its description, in JSON, HDF5 and safetensors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from simulators.forward.simulator import ModelSpectra
from simulators.instruments.instrument import Instrument
from simulators.noise.noise_model import NoiseConfig, NoiseModel
from simulators.noise.noise_model_storage import (
    ARRAY_UNITS,
    build_noise,
    describe_noise,
    noise_arrays,
)
from simulators.noise.profile import NoiseProfile, white_profile
from simulators.noise.template_mismatch import TemplateMismatch
from simulators.observations.conditions import ConditionsPrior
from simulators.wavelengths.rest_grid import LinearRestGrid

N_PIX = 60
INSTRUMENT = Instrument(grid=LinearRestGrid(5000.0, 1.25, N_PIX))
WAVE = np.arange(4900.0, 6200.0, 2.5)


def _profile() -> NoiseProfile:
    kernel = np.array([0.1, 0.3, 0.9, 0.3, 0.1])
    modes = np.stack([np.sin(2 * np.pi * k * np.arange(len(WAVE)) / len(WAVE)) for k in (1, 2)])
    return NoiseProfile(
        name="made up",
        wave_aa=WAVE,
        scale=1.0 + 0.1 * np.cos(WAVE / 300.0),
        kernel=tuple((kernel / np.linalg.norm(kernel)).tolist()),
        growth=0.8,
        sky_modes=modes * np.array([[0.6], [0.3]]),
        source="a test",
    )


def _mismatch() -> TemplateMismatch:
    modes = 0.03 * torch.randn(3, N_PIX + 5, generator=torch.Generator().manual_seed(1))
    return TemplateMismatch(modes=modes, library="a", other="b", explained=0.93, n_histories=77)


PARTS = {
    "plain": {},
    "mismatch": {"mismatch": _mismatch()},
    "profile": {"profile": _profile()},
    "white": {"profile": white_profile(np.array([4800.0, 9000.0]))},
    "both": {"mismatch": _mismatch(), "profile": _profile()},
}


@pytest.fixture(params=PARTS)
def noise(request) -> NoiseModel:
    config = NoiseConfig(calibration_rms=(0.013, 0.004), band_zero_point_mag=0.05)
    return NoiseModel(INSTRUMENT, config, **PARTS[request.param])


def _same(first: NoiseModel, second: NoiseModel) -> None:
    """Same description, and the same noise on the same light."""
    assert describe_noise(first) == describe_noise(second)
    generator = torch.Generator().manual_seed(4)
    conditions = ConditionsPrior(distant_share=0.0).sample(4, INSTRUMENT, generator)
    light = ModelSpectra(torch.ones(4, N_PIX), torch.ones(4, 5))
    seen = [m.observe(light, conditions, torch.Generator().manual_seed(5)) for m in (first, second)]
    for name in ("flux", "sigma", "phot", "phot_sigma"):
        torch.testing.assert_close(*(getattr(o, name) for o in seen), rtol=1e-5, atol=1e-6)


def test_round_trip(noise):
    described = json.loads(json.dumps(describe_noise(noise), allow_nan=False))
    arrays = noise_arrays(noise)
    assert set(arrays) <= set(ARRAY_UNITS)
    assert all(v.dtype == torch.float32 and v.is_contiguous() for v in arrays.values())
    again = build_noise(INSTRUMENT, described, arrays)
    assert again.config == noise.config
    assert (again.mismatch is None) == (noise.mismatch is None)
    if noise.mismatch is not None:
        assert again.mismatch.n_histories == 77
        assert torch.equal(again.mismatch.modes, noise.mismatch.modes)
    assert (again.profile is None) == (noise.profile is None)
    if noise.profile is not None:
        assert again.profile.kernel == noise.profile.kernel
        assert (again.profile.name, again.profile.growth, again.profile.source) == (
            noise.profile.name,
            noise.profile.growth,
            noise.profile.source,
        )
        np.testing.assert_allclose(again.profile.scale, noise.profile.scale, rtol=1e-6)
    _same(noise, again)


def test_description_of_version_one_is_that_of_the_configuration():
    config = NoiseConfig(template_rms=0.02)
    again = build_noise(INSTRUMENT, json.loads(json.dumps(config.to_dict())), {})
    assert again.config == config
    assert again.mismatch is again.profile is None


def test_arrays_of_another_model_are_refused():
    noise = NoiseModel(INSTRUMENT, mismatch=_mismatch(), profile=_profile())
    described, arrays = describe_noise(noise), noise_arrays(noise)
    changed = {**arrays, "profile_scale": 1.01 * arrays["profile_scale"]}
    with pytest.raises(ValueError, match="are not those of their description, expected sha256"):
        build_noise(INSTRUMENT, described, changed)
    missing = {k: v for k, v in arrays.items() if k != "mismatch_modes"}
    with pytest.raises(ValueError, match=r"noise arrays \['profile_scale', 'profile_sky_modes'"):
        build_noise(INSTRUMENT, described, missing)


def test_parts_are_part_of_the_identity():
    plain = describe_noise(NoiseModel(INSTRUMENT))
    assert plain["mismatch"] is plain["profile"] is None
    hashes = {describe_noise(NoiseModel(INSTRUMENT, **parts))["sha256"] for parts in PARTS.values()}
    assert len(hashes) == len(PARTS)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_model_on_the_gpu_is_described_alike():
    noise = NoiseModel(INSTRUMENT, mismatch=_mismatch(), profile=_profile())
    assert describe_noise(noise.to("cuda")) == describe_noise(noise)
