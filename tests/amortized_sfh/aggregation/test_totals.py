"""Sums over the members of a region."""

from __future__ import annotations

import torch

from amortized_sfh.aggregation.totals import MemberHistories, RegionTotals, add_up_members
from amortized_sfh.quantities.derived import derive


def _members(model, n_draws, n_obs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    theta = model.prior.sample((n_draws, n_obs), generator)
    return MemberHistories(theta, 6.0 + torch.rand(n_draws, n_obs, generator=generator))


def test_one_member_is_itself(small_model):
    members = _members(small_model, 20, 1)
    totals = add_up_members(small_model.simulator, members)
    derived = derive(small_model.simulator, members.theta[:, 0])
    for name, value, expected in zip(derived._fields, totals.derived, derived, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5, msg=name)
    torch.testing.assert_close(totals.log_mass, members.log_mass[:, 0])
    assert float(totals.scatter["MH_MW"].abs().max()) == 0.0


def test_masses_add_and_averages_are_weighted(small_model):
    members = _members(small_model, 10, 7)
    totals = add_up_members(small_model.simulator, members)
    mass = 10.0**members.log_mass
    torch.testing.assert_close(10.0**totals.log_mass, mass.sum(1), rtol=1e-5, atol=0.0)
    derived = derive(small_model.simulator, members.theta.flatten(0, 1))
    each = derived.mh_mw.view(10, 7)
    torch.testing.assert_close(
        totals.derived.mh_mw, (mass * each).sum(1) / mass.sum(1), rtol=1e-4, atol=1e-5
    )
    light = mass * (derived.alive / derived.ml_v).view(10, 7)
    for name, values in (
        ("log_age_lw", derived.log_age_lw.view(10, 7)),
        ("mh_lw", derived.mh_lw.view(10, 7)),
    ):
        expected = (light * values).sum(1) / light.sum(1)
        torch.testing.assert_close(getattr(totals.derived, name), expected, rtol=1e-4, atol=1e-4)
    av = members.theta[..., small_model.space.index("av")]
    torch.testing.assert_close(
        totals.nuisance["AV"], (light * av).sum(1) / light.sum(1), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(totals.mean["AV"], av.mean(1))


def test_very_large_masses_stay_finite(small_model):
    members = _members(small_model, 4, 3)
    heavy = add_up_members(
        small_model.simulator, MemberHistories(members.theta, members.log_mass + 40.0)
    )
    light = add_up_members(small_model.simulator, members)
    torch.testing.assert_close(heavy.derived.mh_mw, light.derived.mh_mw, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(heavy.log_mass, light.log_mass + 40.0, rtol=1e-5, atol=1e-4)


def test_parts_join(small_model):
    members = _members(small_model, 6, 3)
    whole = add_up_members(small_model.simulator, members)
    halves = [
        add_up_members(
            small_model.simulator, MemberHistories(members.theta[k], members.log_mass[k])
        )
        for k in (slice(0, 2), slice(2, 6))
    ]
    joined = RegionTotals.cat(halves)
    torch.testing.assert_close(joined.derived.t50, whole.derived.t50)
    torch.testing.assert_close(joined.scatter["V"], whole.scatter["V"])
