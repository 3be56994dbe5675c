"""Copies on another device."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from priors.portable import Portable


class Pair(NamedTuple):
    first: Tensor
    second: str


class Plain:
    """Holds a tensor that nobody moves."""

    values = torch.ones(2)


@dataclass(frozen=True)
class Table(Portable):
    values: Tensor
    inner: Any = None
    unit: float | None = None


@dataclass(frozen=True)
class Everything(Portable):
    table: Table
    pair: Pair
    network: nn.Module
    many: list[tuple[slice, Tensor]]
    named: dict[str, Tensor]
    shared: dict[str, list[int]] = field(default_factory=dict)
    plain: Plain = field(default_factory=Plain)


def made() -> Everything:
    tensor = torch.arange(3.0)
    return Everything(
        table=Table(tensor, inner=(tensor, None), unit=2.0),
        pair=Pair(tensor, "a"),
        network=nn.Linear(2, 2),
        many=[(slice(0, 2), tensor)],
        named={"a": tensor},
        shared={"n": [1]},
    )


def test_all_that_holds_tensors_is_moved():
    there = made().to("meta")
    tensors = [
        there.table.values,
        there.table.inner[0],
        there.pair.first,
        there.many[0][1],
        there.named["a"],
        there.network.weight,
    ]
    assert {t.device.type for t in tensors} == {"meta"}
    assert isinstance(there.pair, Pair)
    assert (there.pair.second, there.many[0][0], there.table.unit) == ("a", slice(0, 2), 2.0)


def test_the_original_stays_but_for_its_networks():
    here = made()
    there = here.to("meta")
    assert here.table.values.device.type == here.many[0][1].device.type == "cpu"
    assert there.network is here.network


def test_what_does_not_move_is_shared():
    here = made()
    again = here.to("cpu")
    assert again is not here
    assert again.table.values is here.table.values
    assert again.named is here.named
    assert again.many is here.many
    there = here.to("meta")
    assert there.shared is here.shared
    assert there.plain is here.plain
