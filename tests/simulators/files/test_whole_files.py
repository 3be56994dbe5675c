"""Writing a file or a folder whole or not at all."""

from __future__ import annotations

import pytest

from simulators.files.whole_files import output_folder, whole_file


def test_a_file_gets_its_name_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with whole_file(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_nothing(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with whole_file(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def write_half(out):
    """Be interrupted while writing."""
    with output_folder(out, ["a"], overwrite=True) as folder:
        (folder / "a").write_text("half")
        raise KeyboardInterrupt


def test_a_folder_appears_at_the_end(tmp_path):
    with output_folder(tmp_path / "out", ["a"]) as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_nothing_and_keeps_the_old(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_existing_folder_is_kept_unless_told_otherwise(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")
    with (
        pytest.raises(FileExistsError, match="add --overwrite"),
        output_folder(tmp_path / "out", ["a"]),
    ):
        pass
    with output_folder(tmp_path / "out", ["a"], overwrite=True) as folder:
        (folder / "a").write_text("new")
    assert (tmp_path / "out" / "a").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "out").mkdir()
    with output_folder(tmp_path / "out", ["a"]) as folder:
        (folder / "a").write_text("1")
    assert (tmp_path / "out" / "a").is_file()


def test_other_files_are_never_removed(tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    with (
        pytest.raises(FileExistsError, match=r"thesis\.tex"),
        output_folder(tmp_path, ["a"], overwrite=True),
    ):
        pass
    assert (tmp_path / "thesis.tex").is_file()


def test_impossible_places(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="is a file"), output_folder(tmp_path / "file", ["a"]):
        pass
    with (
        pytest.raises(FileNotFoundError, match="no such folder"),
        output_folder(tmp_path / "no" / "out", ["a"]),
    ):
        pass
