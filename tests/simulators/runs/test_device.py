"""Words for devices."""

from __future__ import annotations

import pytest

from simulators.runs.device import choose_device


def test_device_name():
    assert choose_device("meta") == "meta"
    with pytest.raises(ValueError, match="--device gpu cannot be used here"):
        choose_device("gpu")
    assert choose_device("auto") in ("cpu", "cuda")
