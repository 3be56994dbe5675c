"""The default model and the check that several requests share."""

from __future__ import annotations

from collections.abc import Mapping

#: The model that is meant where none is named.
DEFAULT_MODEL = "phangs-bc03"


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
