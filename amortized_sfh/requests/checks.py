"""Checks that several requests share; what they need is imported when they are made."""

from __future__ import annotations

from collections.abc import Mapping

#: The model that is meant where none is named.
DEFAULT_MODEL = "phangs-bc03"


def check_draws(n_draws: int) -> None:
    """Refuse numbers of draws that have no spread.

    Parameters
    ----------
    n_draws
        Posterior draws per spectrum.

    Raises
    ------
    ValueError
        If there are fewer than two.
    """
    if n_draws < 2:
        raise ValueError(f"{n_draws} draws were asked for; expected at least 2")


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
