"""Notebooks, texts and benchmarks import public names alone.

Public are the names in `__all__` of the three packages and of their rooms, one step down
(`from amortized_sfh.plotting import plot_corner`).
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("priors", "simulators", "amortized_sfh")
OPTIONAL = {"ppxf", "powerbin"}
SOURCES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *sorted((ROOT / "benchmarks").glob("*.py")),
]
_NamedTuple = namedtuple("_NamedTuple", ())  # its public methods begin with an underscore


def _code(path: Path) -> str:
    """All Python of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        lines = [line for c in cells if c["cell_type"] == "code" for line in [*c["source"], "\n"]]
        return "".join(line for line in lines if not line.startswith("%"))
    return text


def _is_public(module: str, name: str) -> bool:
    return module.count(".") <= 1 and name in getattr(
        importlib.import_module(module), "__all__", ()
    )


def _private_names(code: str) -> Iterator[str]:
    tree = ast.parse(code)
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in PACKAGES:
            for alias in node.names:
                if not _is_public(node.module, alias.name):
                    yield f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            ours = [alias for alias in node.names if alias.name.split(".")[0] in PACKAGES]
            aliases |= {alias.asname or alias.name: alias.name for alias in ours}
            yield from (alias.name for alias in ours if "." in alias.name)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.value, ast.Name) and node.value.id in aliases:
            if not _is_public(aliases[node.value.id], node.attr):
                yield f"{aliases[node.value.id]}.{node.attr}"
        elif re.match("_[^_]", node.attr) and not hasattr(_NamedTuple, node.attr):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_readers_meet_public_names_alone(path):
    assert sorted(set(_private_names(_code(path)))) == []


def _rooms() -> Iterator[str]:
    for package in PACKAGES:
        yield package
        faces = (ROOT / package).glob("*/__init__.py")
        yield from (f"{package}.{path.parent.name}" for path in faces)


def _exists(module: ModuleType, name: str) -> bool:
    """Whether a name can be imported, or waits for an optional package that is not installed."""
    try:
        return hasattr(module, name)
    except ModuleNotFoundError as error:
        return error.name in OPTIONAL


@pytest.mark.parametrize("room", sorted(_rooms()))
def test_every_public_name_exists(room):
    module = importlib.import_module(room)
    assert [name for name in getattr(module, "__all__", ()) if not _exists(module, name)] == []


def test_the_architecture_names_what_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    text = re.sub("^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    words = set(re.findall(r"`([\w./]+)`", text))
    paths = {word for word in words if "/" in word or word.endswith((".py", ".toml"))}
    bases = [ROOT, *(ROOT / package for package in PACKAGES)]
    assert [path for path in sorted(paths) if not any((b / path).exists() for b in bases)] == []
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    code = set(re.findall(r"\w+", " ".join(path.read_text(encoding="utf-8") for path in files)))
    assert {part for word in words - paths for part in word.split(".")} <= code
    assert len(paths) > 40
