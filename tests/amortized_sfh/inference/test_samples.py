"""Summaries and containers of draws."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from amortized_sfh.inference.draw_files import write_draws
from amortized_sfh.inference.infer import infer


@pytest.fixture(scope="module")
def samples(small_posterior, small_observation):
    return infer(small_posterior, small_observation[:6], 200, distance_mpc=10.0)


def test_summary_is_that_of_numpy(samples):
    summary = samples.summary()
    values = samples.derived.log_age_mw.numpy()
    expected = [values.mean(1), values.std(1, ddof=1), *np.percentile(values, [16, 50, 84], axis=1)]
    np.testing.assert_allclose(summary["LOGAGE_MW"], np.stack(expected, -1), rtol=1e-5)
    assert summary["MASSFRAC"].shape == (6, 16, 5)


def test_one_line_tells_what_they_are(samples):
    assert repr(samples) == (
        "PosteriorSamples(6 observations x 200 draws, 14 scalars and 3 quantities in 16 age bins, "
        "6 with data, in the frame of the redshift)"
    )
    moving = replace(samples, frame_kms=torch.zeros(6))
    assert repr(moving).endswith("in the frame of their own velocities)")


def test_sfr_forms_the_mass(samples):
    formed = (samples.per_bin()["SFR"] * samples.bins.widths_yr).sum(-1)
    torch.testing.assert_close(torch.log10(formed), samples.log_mass, atol=1e-4, rtol=0.0)


def test_arviz(samples):
    data = samples.to_arviz()
    assert data.posterior["MH"].dims == ("chain", "draw", "spaxel", "age_bin")
    np.testing.assert_array_equal(
        data.posterior["LOGAGE_LW"].values[0].T, samples.derived.log_age_lw.numpy()
    )


def test_arviz_has_every_parameter(samples):
    posterior, space = samples.to_arviz().posterior, samples.space
    for name in ("delta", "gas_log_u", "f_esc"):
        expected = samples.theta[..., space.index(name)].numpy()
        np.testing.assert_array_equal(posterior[name].values[0].T, expected)
    # the others are there under the names of their maps
    np.testing.assert_array_equal(
        posterior["V"].values[0].T, samples.theta[..., space.index("velocity")].numpy()
    )
    assert posterior["dlogsfr"].dims == ("chain", "draw", "spaxel", "age_step")


def test_part_of_the_observations(samples):
    part = samples[torch.tensor([4, 1])]
    assert len(part) == 2
    assert torch.equal(part.derived.mh_mw[0], samples.derived.mh_mw[4])


def test_hdf5_draws(samples, tmp_path):
    path = tmp_path / "draws.h5"
    write_draws(samples, str(path), np.arange(10, 16))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["theta"][:], samples.theta.numpy())
        assert list(file["label"][:]) == list(range(10, 16))
    assert [p.name for p in tmp_path.iterdir()] == ["draws.h5"]


def test_netcdf_draws(samples, tmp_path):
    import xarray

    path = tmp_path / "draws.nc"
    write_draws(samples, path)
    with xarray.open_dataset(path, group="posterior") as data:
        assert data["LOGAGE_MW"].shape == (1, 200, 6)


def test_unknown_suffix(samples, tmp_path):
    with pytest.raises(ValueError, match="expected one of"):
        write_draws(samples, tmp_path / "draws.pkl")
