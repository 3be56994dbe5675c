"""TOML tables become dataclasses, or an error that says what is wrong."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from simulators.files.toml_lines import parse_toml, read_toml
from simulators.files.toml_table import fill, nearest, read_table, to_toml


@dataclass(frozen=True, kw_only=True)
class Table:
    name: str
    step_aa: float = 1.25
    n_gaps: int = 3
    log_step: float | None = None
    use_bands: bool = True
    snr: tuple[float, float] = (1.0, 2.0)
    sizes: tuple[float, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.n_gaps < 0:
            raise ValueError(f"n_gaps is {self.n_gaps}")


def test_values_take_the_types_of_their_fields():
    made = fill(
        Table,
        {"name": "a", "step_aa": 2, "log_step": 1, "snr": [1, 3], "ranges": [[1, 2.5], [3, 4]]},
        "file",
    )
    assert made == Table(
        name="a", step_aa=2.0, log_step=1.0, snr=(1.0, 3.0), ranges=((1.0, 2.5), (3.0, 4.0))
    )
    assert isinstance(made.step_aa, float)
    assert isinstance(made.ranges[0][0], float)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("step_aa", "1.25", "a number"),
        ("step_aa", True, "a number"),
        ("step_aa", float("nan"), "a number"),
        ("log_step", [1.0], "a number"),
        ("n_gaps", 3.0, "a whole number"),
        ("n_gaps", True, "a whole number"),
        ("use_bands", 1, "true or false"),
        ("name", 7, "a text"),
        ("sizes", 0.1, "a list"),
        ("snr", [1.0], "2 values"),
        ("ranges", [[1.0, 2.0], [3.0]], "2 values"),
        ("ranges", [1.0, 2.0], "a list"),
        ("ranges", "1-2", "a list"),
    ],
)
def test_wrong_types(key, value, expected):
    with pytest.raises(ValueError, match=f"file: {key} is .*expected {expected}"):
        fill(Table, {"name": "a", key: value}, "file")


def test_missing_unknown_and_refused():
    with pytest.raises(ValueError, match="file has no 'name': add it"):
        fill(Table, {}, "file")
    with pytest.raises(ValueError, match="unknown key 'setp_aa'; did you mean 'step_aa'"):
        fill(Table, {"name": "a", "setp_aa": 1.0}, "file")
    with pytest.raises(ValueError, match="file: n_gaps is -1"):
        fill(Table, {"name": "a", "n_gaps": -1}, "file")


def test_names_without_a_neighbour():
    assert nearest("zzz", ["step_aa"]) == "; expected one of step_aa"
    with pytest.raises(ValueError, match="file: unknown key 'zzz'; expected one of"):
        fill(Table, {"name": "a", "zzz": 1}, "file")


@dataclass(frozen=True, kw_only=True)
class Image:
    image: Path
    weight: Path | None = None
    sky: float | None = None

    def __post_init__(self) -> None:
        if self.sky is not None and self.sky < 0:
            raise ValueError(f"sky is {self.sky}")


@dataclass(frozen=True, kw_only=True)
class Masks:
    lines_aa: tuple[float, ...] = (5007.0,)
    regions: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    out: Path
    redshift: float
    n_draws: int = 1000
    mode: Literal["free", "fixed"] = "free"
    medium: Literal["air", "vacuum"] | None = None
    cube: Path | None = None
    region: tuple[int, int, int, int] | None = None
    spaxels: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] | None = None
    plots: bool = True
    hst: dict[str, Image] = field(default_factory=dict)
    weights: dict[str, float] | None = None
    masks: Masks = field(default_factory=Masks)
    sky: Masks | None = None


FULL = Request(
    out=Path("maps \u03b1.fits"),
    redshift=0.1 + 0.2,
    n_draws=7,
    mode="fixed",
    medium="vacuum",
    cube=Path("/data/a 'b' \"c\".fits"),
    region=(0, 10, 5, 15),
    spaxels=((1, 2), (3, 4)),
    names=("a\\b", 'q"\n\t\x7f'),
    plots=False,
    hst={
        "F275W": Image(image=Path("x"), sky=1e-20),
        "a b.c": Image(image=Path("y"), weight=Path("w")),
    },
    weights={"F275W": 2.5e22, "F5": -1.0},
    masks=Masks(lines_aa=(), regions=Path("r.reg")),
    sky=Masks(),
)


def test_tables_inside_tables():
    table = {
        "out": "maps.fits",
        "redshift": 0,
        "mode": "fixed",
        "medium": "air",
        "region": [0, 1, 2, 3],
        "spaxels": [[1, 2]],
        "hst": {"F275W": {"image": "a.fits", "weight": "w.fits", "sky": 3}},
        "masks": {"lines_aa": [4861], "regions": "r.reg"},
        "sky": {},
    }
    made = fill(Request, table, "file")
    assert made == Request(
        out=Path("maps.fits"),
        redshift=0.0,
        mode="fixed",
        medium="air",
        region=(0, 1, 2, 3),
        spaxels=((1, 2),),
        hst={"F275W": Image(image=Path("a.fits"), weight=Path("w.fits"), sky=3.0)},
        masks=Masks(lines_aa=(4861.0,), regions=Path("r.reg")),
        sky=Masks(),
    )
    assert isinstance(made.hst["F275W"].sky, float)
    # values that are what the fields want already are taken as they are
    plain = {"out": Path("maps.fits"), "redshift": 0.0, "spaxels": ((1, 2),)}
    assert fill(Request, plain, "").spaxels == ((1, 2),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"mode": "fixd"},
            "file: mode is 'fixd'; did you mean 'fixed'? Expected one of free, fixed",
        ),
        ({"medium": 3}, "file: medium is 3; expected one of air, vacuum"),
        ({"cube": 3}, "file: cube is 3; expected the name of a file"),
        ({"spaxels": [[1, 2.0]]}, "file: spaxels is 2.0; expected a whole number"),
        ({"spaxels": [[1, 2, 3]]}, "file: spaxels is [1, 2, 3]; expected 2 values"),
        ({"masks": 3}, "file: masks is 3; expected a table [masks]"),
        ({"masks": {"line": 3}}, "file: unknown key 'line' in [masks]; did you mean 'lines_aa'?"),
        ({"masks": {"lines_aa": 3}}, "file, [masks]: lines_aa is 3; expected a list"),
        ({"hst": {"F1": "a"}}, "file, [hst]: F1 is 'a'; expected a table [hst.F1]"),
        ({"hst": {"F1": {}}}, "file, [hst.F1] has no 'image': add it"),
        ({"hst": {"F1": {"image": "a", "sky": -1}}}, "file, [hst.F1]: sky is -1.0"),
    ],
)
def test_errors_name_the_table(change, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        fill(Request, {"out": "a", "redshift": 0.1, **change}, "file")


def test_values_from_no_file_are_not_said_to_be_from_one():
    with pytest.raises(ValueError, match=r"^Request has no 'redshift': add it"):
        fill(Request, {"out": "a"}, "")
    with pytest.raises(ValueError, match=r"^redshift is 'x'; expected a number"):
        fill(Request, {"out": "a", "redshift": "x"}, "")
    with pytest.raises(ValueError, match=r"^sky is -1\.0"):
        fill(Image, {"image": "a", "sky": -1}, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drawz = 3", "line 6: unknown key 'drawz'; did you mean 'n_draws'?"),
        ("n_draws = 3.5", "line 6: n_draws is 3.5; expected a whole number"),
        ("\n[mask]", "line 7: unknown key 'mask'; did you mean 'masks'?"),
        ("[masks]\n\nlins_aa = []", "line 8: unknown key 'lins_aa' in [masks]"),
        ("masks.lins_aa = []", "line 6: unknown key 'lins_aa' in [masks]"),
        ("masks = {lins_aa = []}", "line 6: unknown key 'lins_aa' in [masks]"),
        ("[masks]\nlines_aa = [\n1,\n'2',\n]", "line 7, [masks]: lines_aa is '2'; expected"),
        ('[hst."a b"]\nsky = 1', "line 6, [hst.\"a b\"] has no 'image': add it"),
        ("[hst.F1]\nimage = 'a'\nsky = -1", "line 6, [hst.F1]: sky is -1.0"),
        ("[[masks]]\nlines_aa = []", "line 6: masks is [{'lines_aa': []}]; expected a table"),
        ('cube = """\n[masks]\nx = 1"""\nmode = "x"', "line 9: mode is 'x'; expected one of"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    path = tmp_path / "run.toml"
    path.write_text("out = 'a'\nspaxels = [\n  [1, 2], # first\n]\nredshift = 0.1\n" + text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}, {message}')}"):
        read_table(Request, path)


def test_files_that_are_none(tmp_path):
    path = tmp_path / "run.toml"
    with pytest.raises(FileNotFoundError, match=r"no such file: .*run\.toml"):
        read_table(Request, path)
    path.write_text("out = 'a'\nredshift 0.1")
    with pytest.raises(ValueError, match=r"run\.toml is no TOML file: .*line 2"):
        read_toml(path)


def test_every_key_has_a_line():
    text = "a = 1\n[t.'x y']\nb.c = {d = 1}\n[[list]]\ne = 1\n[[list]]\n[t]\nf = [\n[1],\n]"
    assert parse_toml(text, "file")[1] == {
        ("a",): 1,
        ("t",): 2,
        ("t", "x y"): 2,
        ("t", "x y", "b"): 3,
        ("t", "x y", "b", "c"): 3,
        ("t", "x y", "b", "c", "d"): 3,
        ("list",): 4,
        ("list", "e"): 5,
        ("t", "f"): 8,
    }


@pytest.mark.parametrize(
    "request_",
    [
        FULL,
        Request(out=Path("a"), redshift=0.1),
        Request(out=Path("a"), redshift=5e-324, masks=Masks(lines_aa=()), hst={}),
        Request(out=Path("a"), redshift=1e22, weights={}),
    ],
)
def test_what_is_written_reads_back_equal(request_, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(to_toml(request_), "utf-8")
    assert read_table(Request, path) == request_


def test_written_text():
    written = to_toml(Request(out=Path("a.fits"), redshift=1, hst={"F1": Image(image=Path("b"))}))
    assert written == (
        'out = "a.fits"\nredshift = 1\nn_draws = 1000\nmode = "free"\nplots = true\n\n'
        '[hst.F1]\nimage = "b"\n\n[masks]\nlines_aa = [5007.0]\n'
    )


def test_what_cannot_be_written():
    with pytest.raises(ValueError, match=r"redshift is nan; expected a finite number"):
        to_toml(Request(out=Path("a"), redshift=math.nan))
    with pytest.raises(ValueError, match=r"masks\.lines_aa is None"):
        to_toml(Request(out=Path("a"), redshift=0.1, masks=Masks(lines_aa=None)))
