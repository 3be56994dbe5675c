"""Data of another instrument are refused by their range and by their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulators.instruments.instrument import Instrument
from simulators.instruments.observed_pixels import LogObservedPixels
from simulators.observations.coverage import check_coverage, check_pixels
from simulators.wavelengths.rest_grid import LogRestGrid

MUSE = Instrument()
SDSS = Instrument(
    name="sdss",
    grid=LogRestGrid(3650.0, 1e-4, 3041),
    pixels=LogObservedPixels(start_aa=3801.894, log_step=1e-4),
    observed_range_aa=(3800.0, 9200.0),
)


def test_enough_is_enough():
    check_coverage(MUSE, (4000.0, 8000.0), 0.0, "data")
    # 30 % of one end may be missing, as in training
    check_coverage(MUSE, (4750.0, 6300.0), 0.0, "data")


@pytest.mark.parametrize("limits", [(4750.0, 6280.0), (5420.0, 6950.0), (8000.0, 9000.0)])
def test_too_little_names_what_is_expected(limits):
    with pytest.raises(ValueError, match=r"galaxy covers .* 4750-6950 Å.* 'phangs-muse-hst'.*70 %"):
        check_coverage(MUSE, limits, 0.0, "galaxy")


def test_what_the_survey_never_sees_is_not_missed():
    low, high = 3800.0, 7350.0
    check_coverage(SDSS, (low, high), 0.0, "data")
    # at z = 0.1 SDSS sees everything, and a MUSE spectrum lacks a third of it
    muse = (4750.0 / 1.1, 9300.0 / 1.1)
    share = (np.log10(7350.0) - np.log10(muse[0])) / (np.log10(7350.0) - np.log10(3650.0))
    assert share > 0.7
    check_coverage(SDSS, muse, 0.1, "data")
    with pytest.raises(ValueError, match="observed 3800-9200"):
        check_coverage(SDSS, (4750.0, 9300.0), 0.0, "data")


def test_pixels():
    muse = (4749.375 + 1.25 * torch.arange(3700).double()) / 1.02
    check_pixels(MUSE, muse, "cube")
    with pytest.raises(ValueError, match=r"cube has pixels of 1\.2\d Å .*'sdss'"):
        check_pixels(SDSS, muse, "cube")
    with pytest.raises(ValueError, match=r"pixels of 2 Å"):
        check_pixels(MUSE, 4700.0 + 2.0 * torch.arange(2000).double(), "cube")
    # pixels outside the model's range do not count
    check_pixels(MUSE, torch.cat([torch.tensor([3000.0, 3100.0]).double(), muse]), "cube")


@pytest.mark.parametrize(("factor", "unit"), [(10.0, "nm"), (1e4, "µm")])
def test_other_units_are_recognised(factor, unit):
    with pytest.raises(ValueError, match=f"look like {unit}: say so in the file"):
        check_coverage(MUSE, (4750.0 / factor, 9300.0 / factor), 0.0, "data")
    with pytest.raises(ValueError, match=r"made for these data$"):
        check_coverage(MUSE, (1200.0, 3000.0), 0.0, "data")
