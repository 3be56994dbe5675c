"""Files by their path, or shipped ones by their name."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.files.shipped import find_file, shipped_files


def test_shipped_files_are_listed_by_their_names():
    shipped = shipped_files("simulators.surveys", "presets", ".toml")
    assert list(shipped) == ["manga", "phangs-muse-hst", "sdss"]
    assert all(path.is_file() for path in shipped.values())


def test_a_file_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = {"a": Path("/shipped/a.h5")}
    assert find_file("a", shipped, "noise profile", "measure-noise") == shipped["a"]
    Path("a").write_text("")
    assert find_file("a", shipped, "noise profile", "measure-noise") == Path("a")


def test_neither_a_file_nor_a_name():
    with pytest.raises(FileNotFoundError, match="no noise profile b: expected one of a, or a file"):
        find_file("b", {"a": Path("a")}, "noise profile", "measure-noise")
