"""What requests share: their base, the default model, and a check of rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args, get_type_hints

#: The model that is meant where none is named.
DEFAULT_MODEL = "phangs-bc03"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Base of all requests, whose names of files may be given as texts, too."""

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            value = getattr(self, name)
            if isinstance(value, str) and (hint is Path or Path in get_args(hint)):
                object.__setattr__(self, name, Path(value))
        self._check()

    def _check(self) -> None:
        """Raise ValueError if the request contradicts itself."""


def check_rules(rules: Mapping[str, bool]) -> None:
    """Refuse a request that breaks rules.

    Parameters
    ----------
    rules
        Each rule in words, and whether it is broken.

    Raises
    ------
    ValueError
        If any is; the message joins all that are.
    """
    broken = [rule for rule, is_broken in rules.items() if is_broken]
    if broken:
        raise ValueError("; ".join(broken))
