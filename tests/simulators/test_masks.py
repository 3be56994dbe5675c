"""What is masked and what is not."""

from __future__ import annotations

import pytest
import torch

from simulators.masks import LASER_RANGE_AA, REST_LINES_AA, SKY_RANGES_AA, line_mask, sky_mask
from simulators.wavegrid import REST_GRID

WAVE = REST_GRID.centres_aa


def test_every_line_is_masked_to_400_kms():
    use = line_mask(WAVE)
    for name, line in REST_LINES_AA.items():
        offset_kms = (WAVE / line - 1) * 299792.458
        assert not bool(use[offset_kms.abs() < 399].any()), name
    # pixels beyond 400 km/s of every line are used
    distance = torch.stack([(WAVE / w - 1).abs() * 299792.458 for w in REST_LINES_AA.values()])
    assert bool(use[distance.amin(0) > 401].all())
    assert 0.85 < float(use.float().mean()) < 0.97


def test_wider_masks_take_more():
    assert int(line_mask(WAVE, 800.0).sum()) < int(line_mask(WAVE, 400.0).sum())


@pytest.mark.parametrize("redshift", [0.0, 0.00243, 0.0858])
def test_sky_is_masked_in_the_observed_frame(redshift):
    use = sky_mask(WAVE, torch.tensor([redshift]))[0]
    observed = WAVE * (1 + redshift)
    inside = torch.zeros_like(use)
    for low, high in SKY_RANGES_AA:
        inside |= (observed > low + 0.01) & (observed < high - 0.01)
    assert not bool(use[inside].any())
    assert bool(
        use[
            torch.stack([(observed < a - 1) | (observed > b + 1) for a, b in SKY_RANGES_AA]).all(0)
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
