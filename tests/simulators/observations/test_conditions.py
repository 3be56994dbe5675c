"""Observing conditions: ranges, shares, seeds."""

from __future__ import annotations

import json
import math

import pytest
import torch

from simulators.instruments.instrument import Instrument
from simulators.observations.conditions import ConditionsPrior
from simulators.observations.masks import line_mask, sky_mask
from simulators.wavelengths.rest_grid import LinearRestGrid

INSTRUMENT = Instrument()
N = 2000


@pytest.fixture(scope="module")
def drawn():
    return ConditionsPrior().sample(N, INSTRUMENT, torch.Generator().manual_seed(1))


def _share(condition):
    return float(condition.float().mean())


def test_redshifts(drawn):
    z = drawn.redshift
    assert bool(((z >= 0) & (z <= INSTRUMENT.max_redshift)).all())
    assert _share(z > INSTRUMENT.max_redshift_bands) == pytest.approx(0.2, abs=0.03)
    near = z[z <= INSTRUMENT.max_redshift_bands] / INSTRUMENT.max_redshift_bands
    assert float(near.mean()) == pytest.approx(0.5, abs=0.03)


def test_snr_is_log_uniform_with_a_faint_tail(drawn):
    snr = drawn.snr
    assert bool(((snr >= 0) & (snr <= 300)).all())
    assert _share(snr < 0.5) == pytest.approx(0.03, abs=0.01)
    middle = math.sqrt(0.5 * 300)
    assert _share(snr[snr >= 0.5] < middle) == pytest.approx(0.5, abs=0.03)
    log_phot = drawn.phot_snr.log()
    assert float(log_phot.mean()) == pytest.approx(math.log(math.sqrt(0.3 * 100)), abs=0.1)
    assert bool(((drawn.phot_snr >= 0.3) & (drawn.phot_snr <= 100)).all())


def test_bands(drawn):
    near = drawn.redshift <= INSTRUMENT.max_redshift_bands
    count = drawn.phot_valid.sum(1)
    assert not bool(drawn.phot_valid[~near].any())
    # a random subset of five bands is all or none of them once in 32 times
    assert _share(count[near] == 5) == pytest.approx(0.6 + 0.25 / 32, abs=0.04)
    assert _share(count[near] == 0) == pytest.approx(0.15 + 0.25 / 32, abs=0.04)
    assert len(drawn.phot_valid[near].unique(dim=0)) == 32


def test_masks(drawn):
    wave = INSTRUMENT.grid.centres_aa
    allowed = line_mask(wave) & sky_mask(wave, drawn.redshift)
    assert not bool((drawn.valid & ~allowed).any())
    lost = (allowed & ~drawn.valid).float().mean(1)
    assert _share(lost == 0) > 0.15  # no gap, not trimmed: about (1/4) 0.9
    assert float(lost.max()) < 0.45
    assert int(drawn.valid.sum(1).min()) > 500


def test_relative_noise_is_smooth_and_near_one(drawn):
    assert bool((drawn.relative_noise > 0.4).all() and (drawn.relative_noise < 2.2).all())
    assert float(drawn.relative_noise.mean()) == pytest.approx(1.0, abs=0.03)


def test_seeds():
    first, again, other = (
        ConditionsPrior().sample(64, INSTRUMENT, torch.Generator().manual_seed(s))
        for s in (1, 1, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.snr, other.snr)


def test_conditions_at_given_redshifts(drawn):
    redshift = torch.tensor([0.0, 0.01, 0.05]).repeat_interleave(300)
    at = ConditionsPrior().sample_at(redshift, INSTRUMENT, torch.Generator().manual_seed(0))
    assert torch.equal(at.redshift, redshift)
    assert _share(at.phot_valid[:600].all(1)) == pytest.approx(0.6, abs=0.08)
    assert not bool(at.phot_valid[600:].any())
    wave = INSTRUMENT.grid.centres_aa
    assert not bool((at.valid & ~sky_mask(wave, redshift)).any())


def test_given_redshifts_are_the_second_half_of_a_sample():
    generator = torch.Generator().manual_seed(3)
    whole = ConditionsPrior().sample(50, INSTRUMENT, generator)
    generator.manual_seed(3)
    redshift = ConditionsPrior().sample_redshift(50, INSTRUMENT, generator)
    parts = ConditionsPrior().sample_at(redshift, INSTRUMENT, generator)
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_settings_are_obeyed_and_survive_json():
    prior = ConditionsPrior(
        snr=(15.0, 150.0), faint_share=0.0, distant_share=0.0, full_photometry=1.0,
        no_photometry=0.0, trimmed_share=0.0, max_gaps=0,
    )  # fmt: skip
    assert ConditionsPrior.from_dict(json.loads(json.dumps(prior.to_dict()))) == prior
    instrument = Instrument(grid=LinearRestGrid(5000, 1.25, 200))
    drawn = prior.sample(500, instrument, torch.Generator().manual_seed(0))
    assert bool(((drawn.snr >= 15) & (drawn.snr <= 150)).all())
    assert bool(drawn.phot_valid.all())
    assert float(drawn.redshift.max()) <= instrument.max_redshift_bands
    wave = instrument.grid.centres_aa
    assert torch.equal(drawn.valid, line_mask(wave) & sky_mask(wave, drawn.redshift))
