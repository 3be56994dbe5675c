"""Packing: consistent, finite for any data, independent of units and of what is masked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.quantities.spectrum_scale import spectrum_scale
from simulators.observations.observation import Observation


@pytest.fixture(scope="module")
def layout(small_model) -> Layout:
    return Layout.of(small_model.instrument)


def _scaled(observation: Observation, factor: float) -> Observation:
    names = ("flux", "sigma", "phot", "phot_sigma")
    return replace(observation, **{name: factor * getattr(observation, name) for name in names})


def test_unpack_inverts_pack(layout, small_observation):
    x = layout.pack(small_observation)
    assert x.shape == (40, layout.n_x)
    assert layout.n_x == 2 * 280 + 4 * 5 + 2
    inputs = layout.unpack(x)
    assert [part.shape[1] for part in inputs] == [280, 280, 20, 2]
    assert torch.equal(torch.cat(inputs, dim=1), x)
    torch.testing.assert_close(inputs.context[:, 0], 50 * small_observation.redshift)
    torch.testing.assert_close(inputs.bands[:, 15:], small_observation.phot_valid.float())
    assert torch.equal(inputs.precision > 0, small_observation.valid)


def test_data_can_be_read_back(layout, small_observation):
    # nothing is lost but the unit: flux and errors follow from the packed numbers and the scale
    inputs = layout.unpack(layout.pack(small_observation))
    scale = spectrum_scale(small_observation)[0][:, None]
    valid = small_observation.valid & (small_observation.sigma / scale < 10)
    sigma = 1 / torch.sinh(inputs.precision)
    flux = 1 + inputs.flux * torch.sqrt(1 + sigma**2)
    torch.testing.assert_close(
        (sigma * scale)[valid], small_observation.sigma[valid], rtol=1e-4, atol=0
    )
    torch.testing.assert_close(
        (flux * scale)[valid], small_observation.flux[valid], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 7.0, 1e12])
def test_unit_does_not_matter(layout, small_observation, factor):
    has_data = small_observation.valid.any(1) | small_observation.phot_valid.any(1)
    x = layout.pack(small_observation)[has_data]
    other = layout.pack(_scaled(small_observation, factor))[has_data]
    torch.testing.assert_close(other, x, rtol=1e-4, atol=1e-4)


def test_what_is_masked_does_not_matter(layout, small_observation):
    junk = replace(
        small_observation,
        flux=torch.where(small_observation.valid, small_observation.flux, torch.nan),
        sigma=torch.where(small_observation.valid, small_observation.sigma, 0.0),
        phot=torch.where(small_observation.phot_valid, small_observation.phot, torch.inf),
        phot_sigma=torch.where(small_observation.phot_valid, small_observation.phot_sigma, -3.0),
    )
    assert torch.equal(layout.pack(junk), layout.pack(small_observation))


@pytest.mark.parametrize(
    "change",
    [
        lambda o: replace(o, flux=-o.flux),
        lambda o: replace(o, flux=torch.zeros_like(o.flux)),
        lambda o: replace(o, flux=1e6 * o.flux),
        lambda o: replace(o, sigma=1e6 * o.sigma),
        lambda o: replace(o, sigma=1e-6 * o.sigma),
        lambda o: replace(o, phot=-1e6 * o.phot),
        lambda o: replace(o, phot=torch.zeros_like(o.phot)),
        lambda o: replace(o, valid=torch.zeros_like(o.valid)),
        lambda o: replace(o, valid=o.valid & (torch.arange(280) == 100)),
        lambda o: replace(o, phot_valid=torch.zeros_like(o.phot_valid)),
        lambda o: replace(
            o, valid=torch.zeros_like(o.valid), phot_valid=torch.zeros_like(o.phot_valid)
        ),
        lambda o: replace(o, flux=torch.full_like(o.flux, torch.nan)).clean(),
    ],
)
def test_scale_and_input_are_finite_for_any_data(layout, small_observation, change):
    observation = change(small_observation)
    scale, snr = spectrum_scale(observation)
    assert bool((scale > 0).all())
    assert bool(torch.isfinite(scale).all())
    assert bool((snr >= 0.999).all())
    assert bool(torch.isfinite(layout.pack(observation)).all())


def test_scale_is_the_weighted_mean_where_there_is_signal():
    sigma = torch.tensor([[0.01, 0.01, 0.02, 1.0]])
    flux = torch.tensor([[1.0, 1.2, 1.1, 50.0]])
    valid = torch.tensor([[True, True, True, False]])
    observation = Observation(
        flux, sigma, valid, torch.zeros(1, 5), torch.ones(1, 5), torch.zeros(1, 5).bool(),
        torch.zeros(1),
    )  # fmt: skip
    weight = torch.tensor([1e4, 1e4, 2.5e3])
    scale, snr = spectrum_scale(observation)
    expected = float((weight * flux[0, :3]).sum() / weight.sum())
    assert float(scale) == pytest.approx(expected, rel=1e-3)
    assert float(snr) == pytest.approx(expected * float(weight.sum()) ** 0.5, rel=1e-3)
    # and the error of the mean where there is none
    dark, dark_snr = spectrum_scale(replace(observation, flux=-flux))
    assert float(dark) == pytest.approx(float(weight.sum()) ** -0.5, rel=1e-5)
    assert float(dark_snr) == pytest.approx(1.0)


def test_another_grid_is_refused(layout, toy_mock):
    with pytest.raises(ValueError, match="observation has 1761 pixels and 5 bands"):
        layout.pack(toy_mock.observation)
    with pytest.raises(ValueError, match="expected 1761 and 4"):
        Layout(1761, 4).pack(toy_mock.observation)
