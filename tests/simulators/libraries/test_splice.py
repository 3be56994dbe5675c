"""Young ages of one library in front of another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.libraries import seam_ratio, splice_young, toy_grid


@pytest.fixture(scope="module")
def toy():
    return toy_grid()


def test_splice_of_a_library_with_itself_changes_nothing(toy):
    late = toy.select(age_range_gyr=(0.05, 14))
    spliced = splice_young(late, toy)
    np.testing.assert_allclose(spliced.age_gyr, toy.age_gyr)
    np.testing.assert_allclose(spliced.lum, toy.lum, rtol=1e-5)
    np.testing.assert_allclose(spliced.mass_alive, toy.mass_alive)
    assert spliced.name == "toy+toy"
    assert "ages below 0.05 Gyr from toy" in spliced.source
    assert spliced.sha256 != toy.sha256


def test_splice_at_a_given_age_keeps_only_older_ages_of_the_grid(toy):
    young = replace(toy, lum=toy.lum * 3, name="bright")
    spliced = splice_young(toy, young, 0.2)
    np.testing.assert_allclose(spliced.lum[:, :4], 3 * toy.lum[:, :4], rtol=1e-5)
    np.testing.assert_allclose(spliced.lum[:, 4:], toy.lum[:, 4:])
    ratio = seam_ratio(spliced, 0.2)
    np.testing.assert_allclose(ratio, toy.lum[:, 4] / toy.lum[:, 3] / 3, rtol=1e-5)


def test_splice_interpolates_metallicity_and_wavelength(toy):
    late = toy.select((4700, 7000), (0.05, 14))
    late = replace(late, mh=np.array([-2.0, -1.0, 0.0, 0.4]), wave_aa=late.wave_aa + 0.5)
    spliced = splice_young(late, toy)
    assert spliced.lum.shape == (4, len(toy.age_gyr), late.n_wave)
    # a value between those of the neighbouring metallicities and wavelengths
    left = np.flatnonzero(np.isin(toy.wave_aa + 0.5, late.wave_aa))
    around = np.stack([toy.lum[met, 0, left + step] for met in (1, 2) for step in (0, 1)])
    assert (spliced.lum[1, 0] <= around.max(axis=0) * 1.0001).all()
    assert (spliced.lum[1, 0] >= around.min(axis=0) * 0.9999).all()


def test_splice_broadens_to_the_lower_resolution(toy):
    young = toy.select((4700, 7090))
    late = replace(young.select((4750, 7000)), lsf_fwhm_aa=np.full(2251, 6.0))
    lum = splice_young(late, young, 0.05).lum[0, 0]
    sharp = young.select((4750, 7000)).lum[0, 0]
    line = slice(6480 - 4750, 6646 - 4750)

    def width(spectrum):
        wave, part = np.arange(6480.0, 6646.0), spectrum[line].astype(float)
        depth = 1 - part / np.interp(wave, wave[[0, -1]], part[[0, -1]])
        return np.sqrt(np.average((wave - 6562.8) ** 2, weights=np.clip(depth, 1e-3, None) - 1e-3))

    added = np.sqrt(6.0**2 - 2.5**2) / 2.3548
    assert width(lum) == pytest.approx(np.hypot(width(sharp), added), rel=0.02)


def test_splice_needs_cover_and_younger_ages(toy):
    late = toy.select(age_range_gyr=(0.05, 14))
    with pytest.raises(ValueError, match=r"toy covers wavelengths .* needs"):
        splice_young(late, toy.select((2000, 9000)))
    with pytest.raises(ValueError, match=r"covers \[M/H\]"):
        splice_young(late, toy.select(mh_range=(-1.5, 1)))
    with pytest.raises(ValueError, match=r"has nothing younger than 0\.05 Gyr"):
        splice_young(late, late)
