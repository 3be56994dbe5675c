from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from amortized_sfh.data.foreground import (
    band_extinction_mag,
    extinction_mag,
    foreground_factor,
)

DATA = Path(os.environ.get("ASFH_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
# Galactic extinction of NGC 3627 in the five WFC3/UVIS bands, from the PHANGS-HST table (mag).
NGC3627 = {"F275W": 0.181, "F336W": 0.147, "F438W": 0.120, "F555W": 0.0926, "F814W": 0.0493}


@pytest.mark.parametrize("band", NGC3627)
def test_bands_of_ngc3627(band):
    assert band_extinction_mag(band, 0.029) == pytest.approx(NGC3627[band], abs=0.002)


def test_factor_undoes_the_extinction():
    wave = np.array([4800.0, 5500.0, 6900.0])
    reddened = 10 ** (-0.4 * extinction_mag(wave, 0.3))
    np.testing.assert_allclose(reddened * foreground_factor(wave, 0.3), 1.0)
    assert np.all(np.diff(foreground_factor(wave, 0.3)) < 0)


def test_no_foreground_changes_nothing():
    assert np.array_equal(foreground_factor(np.array([2000.0, 9000.0]), 0.0), [1.0, 1.0])


@pytest.mark.parametrize("ebv", [-0.1, float("nan"), 30.0])
def test_absurd_reddening(ebv):
    with pytest.raises(ValueError, match="ebv"):
        foreground_factor(np.array([5000.0]), ebv)


@pytest.mark.data
def test_bands_of_all_phangs_galaxies():
    path = DATA / "phangs-hst-meta" / "phangs_hst_galactic_extinction_table.csv"
    if not path.is_file():
        pytest.skip(f"no {path.name} (folder ASFH_DATA)")
    table = Table.read(path)
    own = np.array([band_extinction_mag(band, 1.0) for band in NGC3627])
    theirs = np.stack([table[f"{band}_UVIS_CHIP2"] for band in NGC3627], axis=1)
    ebv = (theirs @ own) / (own @ own)
    assert len(table) > 30
    # one E(B-V) per galaxy gives all five bands
    assert np.abs(theirs - ebv[:, None] * own).max() < 0.001
