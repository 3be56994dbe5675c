"""Both parts of the real-data run, replaced by stand-ins."""

from __future__ import annotations

import pytest

from amortized_sfh.workflows.demos import real_data as module
from amortized_sfh.workflows.demos.real_data import demo_real


@pytest.fixture
def calls(monkeypatch):
    seen = []
    for name in ("abell478", "sdss_comparison"):
        monkeypatch.setattr(module, name, lambda out, name=name, **_: seen.append((name, out.name)))
    return seen


def test_both_parts_run(tmp_path, calls):
    demo_real(tmp_path / "new" / "out")
    assert calls == [("abell478", "abell478"), ("sdss_comparison", "sdss")]


def test_a_missing_part_is_told_but_does_not_stop_the_other(tmp_path, calls, monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("mpdaf is not installed")

    monkeypatch.setattr(module, "abell478", missing)
    with pytest.raises(FileNotFoundError, match="mpdaf"):
        demo_real(tmp_path)
    assert calls == [("sdss_comparison", "sdss")]


def test_existing_products_stop_the_run(tmp_path, calls, monkeypatch):
    def kept(*_, **__):
        raise FileExistsError("maps.fits exists")

    monkeypatch.setattr(module, "abell478", kept)
    with pytest.raises(FileExistsError, match=r"maps\.fits"):
        demo_real(tmp_path)
    assert calls == []
