"""TOML tables become dataclasses, or an error that says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simulators.files.toml_table import check_known, fill, nearest


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
    with pytest.raises(ValueError, match="file has an unknown key 'zzz'; expected one of"):
        check_known(["step_aa", "zzz"], ["step_aa"], "file")
