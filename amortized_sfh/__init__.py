"""Amortized SFH: calibrated posteriors of star formation histories, spaxel by spaxel.

What users need is exported here, from files to maps, draws and figures. The names and their homes
stand in `__init__.pyi`, where type checkers read them; they are imported when they are first used,
so that `import amortized_sfh` is quick.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

_STUB = ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8"))
_EXPORTS = {
    name.name: node.module
    for node in _STUB.body
    if isinstance(node, ast.ImportFrom) and node.module is not None
    for name in node.names
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605 (a list of strings, but computed)


def __getattr__(name: str) -> object:
    """Import an exported name."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'amortized_sfh' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
