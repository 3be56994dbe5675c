"""What is masked and what is not."""

from __future__ import annotations

import pytest
import torch

from simulators.constants import SPEED_OF_LIGHT_KMS
from simulators.instruments.instrument import MUSE_SKY_RANGES_AA, Instrument
from simulators.observations.masks import (
    LASER_RANGE_AA,
    MILKY_WAY_SODIUM_RANGE_AA,
    REST_LINES_AA,
    line_mask,
    mask_observation,
    observed_mask,
    sky_mask,
    survey_mask,
)
from simulators.observations.observation import Observation
from simulators.wavelengths.rest_grid import REST_GRID

WAVE = REST_GRID.centres_aa
WIDE = torch.arange(3650.0, 9700.0, 1.0, dtype=torch.float64)


def test_every_line_is_masked_to_400_kms():
    use = line_mask(WIDE)
    for name, line in REST_LINES_AA.items():
        offset_kms = (WIDE / line - 1) * SPEED_OF_LIGHT_KMS
        assert bool((offset_kms.abs() < 399).any()), name
        assert not bool(use[offset_kms.abs() < 399].any()), name
    # pixels beyond 400 km/s of every line are used
    distance = torch.stack(
        [(WIDE / w - 1).abs() * SPEED_OF_LIGHT_KMS for w in REST_LINES_AA.values()]
    )
    assert bool(use[distance.amin(0) > 401].all())
    assert 0.85 < float(use.float().mean()) < 0.97


def test_lines_in_the_window_of_muse():
    # models know these masks: a line added here needs new models
    inside = [n for n, w in REST_LINES_AA.items() if WAVE[0] * 0.998 < w < WAVE[-1] * 1.002]
    assert inside == [
        "Hbeta", "[OIII]4959", "[OIII]5007", "[NI]5198", "[NI]5200", "HeI5876", "NaD1", "NaD2",
        "[OI]6300", "[OI]6364", "[NII]6548", "Halpha", "[NII]6583", "[SII]6716", "[SII]6731",
    ]  # fmt: skip


def test_wider_masks_take_more():
    assert int(line_mask(WAVE, 800.0).sum()) < int(line_mask(WAVE, 400.0).sum())


@pytest.mark.parametrize("redshift", [0.0, 0.00243, 0.0858])
def test_sky_is_masked_in_the_observed_frame(redshift):
    use = sky_mask(WAVE, torch.tensor([redshift]))[0]
    observed = WAVE * (1 + redshift)
    inside = torch.zeros_like(use)
    for low, high in MUSE_SKY_RANGES_AA:
        inside |= (observed > low + 0.01) & (observed < high - 0.01)
    assert not bool(use[inside].any())
    assert bool(
        use[
            torch.stack(
                [(observed < a - 1) | (observed > b + 1) for a, b in MUSE_SKY_RANGES_AA]
            ).all(0)
        ].all()
    )


def test_rows_follow_their_own_redshift():
    both = sky_mask(WAVE, torch.tensor([0.0, 0.02]))
    assert torch.equal(both[1], sky_mask(WAVE, torch.tensor([0.02]))[0])
    assert not torch.equal(both[0], both[1])


def test_laser_notch_is_an_option():
    use = sky_mask(WAVE, torch.zeros(1), (LASER_RANGE_AA,))[0]
    assert not bool(use[(WAVE > 5770) & (WAVE < 6010)].any())
    assert bool(use[(WAVE < 5769) | (WAVE > 6011)].all())


def test_a_limited_range_is_masked_in_the_observed_frame():
    instrument = Instrument(observed_range_aa=(4800.0, 7000.0))
    redshift = torch.tensor([0.0, 0.02])
    use = observed_mask(instrument, redshift)
    edges = instrument.grid.edges_aa * (1.0 + redshift[:, None])
    assert torch.equal(use, (edges[:, :-1] >= 4800.0) & (edges[:, 1:] <= 7000.0))
    assert not bool((survey_mask(instrument, redshift) & ~use).any())
    assert bool(observed_mask(Instrument(), redshift).all())


def test_a_survey_has_its_own_sky():
    instrument = Instrument(sky_ranges_aa=((5000.0, 5100.0),))
    use = survey_mask(instrument, torch.tensor([0.01]))[0]
    expected = line_mask(WAVE) & sky_mask(WAVE, torch.tensor([0.01]), ((5000.0, 5100.0),))[0]
    assert torch.equal(use, expected)
    assert not torch.equal(use, survey_mask(Instrument(), torch.tensor([0.01]))[0])


def _observation(redshift):
    n = len(redshift)
    ones = torch.ones(n, len(WAVE))
    bands = torch.ones(n, 5)
    return Observation(
        ones, ones, ones > 0, bands, bands, bands > 0, torch.tensor(redshift, dtype=torch.float32)
    )


def test_further_lines_and_ranges():
    plain = mask_observation(_observation([0.01, 0.02]), Instrument())
    more = mask_observation(
        _observation([0.01, 0.02]), Instrument(), 400.0, (5411.5,), (LASER_RANGE_AA,)
    )
    lost = plain.valid & ~more.valid
    for row, z in enumerate((0.01, 0.02)):
        line = ((WAVE / 5411.5 - 1).abs() * SPEED_OF_LIGHT_KMS) < 399
        observed = WAVE * (1 + z)
        laser = (observed > 5770.1) & (observed < 6009.9)
        assert not bool(more.valid[row][line | laser].any())
        beyond = ((WAVE / 5411.5 - 1).abs() * SPEED_OF_LIGHT_KMS) > 401
        assert not bool(lost[row][beyond & ((observed < 5769.9) | (observed > 6010.1))].any())


def test_sodium_of_the_milky_way_is_in_the_observed_frame():
    low, high = MILKY_WAY_SODIUM_RANGE_AA
    kms = [
        (edge / line - 1) * SPEED_OF_LIGHT_KMS for edge, line in ((low, 5889.95), (high, 5895.92))
    ]
    assert kms == pytest.approx([-200.0, 200.0], abs=4.0)
    z = 0.01  # at 0.00243 the masks of the galaxy's own He I and Na D happen to cover it
    plain = mask_observation(_observation([z]), Instrument()).valid[0]
    masked = mask_observation(
        _observation([z]), Instrument(), observed_ranges_aa=[MILKY_WAY_SODIUM_RANGE_AA]
    ).valid[0]
    observed = WAVE * (1 + z)
    inside = (observed > low) & (observed < high)
    assert not bool(masked[inside].any())
    assert torch.equal(masked, plain & ~((observed >= low) & (observed <= high)))
    assert bool(plain[inside].any())


def test_many_redshifts_need_no_more_memory_than_few(monkeypatch):
    redshift = torch.linspace(-0.002, 0.03, 25).tolist()
    whole = mask_observation(_observation(redshift), Instrument())
    monkeypatch.setattr("simulators.observations.masks._CHUNK", 4)
    pieces = mask_observation(_observation(redshift), Instrument())
    assert torch.equal(whole.valid, pieces.valid)
    assert whole.phot_valid[:, 0].tolist() == [-0.001 <= z <= 0.02 for z in redshift]
