"""The layout of the code: what may be said of every file, and is not for a linter to see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("priors", "simulators", "amortized_sfh")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
FOLDERS = sorted({path.parent for path in FILES})
MAX_LINES = 420
MAX_FILES_IN_ROOM = 17
MAX_ROOMS = 14
IMPORT_SECONDS = 1.0  # takes 0.1; leaves room for a busy machine
NAMES_THAT_SAY_NOTHING = {"base", "common", "core", "helpers", "manager", "misc", "runner", "utils"}


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def graph():
    """All imports, those for type checkers and those within functions, too."""
    grimp = pytest.importorskip("grimp")
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_the_import_contracts_see_every_module(graph):
    assert graph.modules == {_module(path) for path in FILES}


def test_no_modules_import_each_other(graph):
    # `lint-imports` checks packages against their siblings; this also finds a module that takes
    # from the face of its own room.
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, with the cycle


def test_nothing_inside_uses_the_face_of_the_package(graph):
    # Its lazy names would hide what imports what.
    assert graph.find_modules_that_directly_import("amortized_sfh") == set()


@pytest.mark.parametrize("module", ["amortized_sfh", "amortized_sfh.cli.main"])
def test_import_is_quick(module):
    code = (
        "import sys, time; start = time.perf_counter(); "
        f"import {module}; seconds = time.perf_counter() - start; "
        "heavy = {'torch', 'scipy', 'astropy', 'matplotlib', 'sbi', 'arviz'} & set(sys.modules); "
        "print(seconds, *heavy)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603
    seconds, *heavy = done.stdout.split()
    assert heavy == []
    assert float(seconds) < IMPORT_SECONDS


def test_there_are_few_rooms():
    rooms = [path.parent.name for path in (ROOT / "amortized_sfh").glob("*/__init__.py")]
    assert len(rooms) <= MAX_ROOMS, sorted(rooms)


def test_no_room_is_a_hall():
    counts = {_name(folder): len(list(folder.glob("*.py"))) for folder in FOLDERS}
    assert {name: n for name, n in counts.items() if n > MAX_FILES_IN_ROOM} == {}


def test_no_file_is_long():
    counts = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: n for name, n in counts.items() if n > MAX_LINES} == {}


def test_every_folder_is_a_package_that_says_what_it_is_for():
    # Without its __init__.py the import contracts do not see a folder.
    assert [_name(folder) for folder in FOLDERS if not (folder / "__init__.py").is_file()] == []
    assert [_name(path) for path, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_file_names_say_something():
    assert [_name(path) for path in FILES if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_tests_mirror_the_tree():
    folders = {
        path.parent for package in PACKAGES for path in (ROOT / "tests" / package).rglob("*.py")
    }
    strangers = [f for f in folders if ROOT / f.relative_to(ROOT / "tests") not in FOLDERS]
    assert strangers == []


def test_no_two_types_share_a_name():
    homes = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(_module(path))
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    a = function.args
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_words_of_the_command_line_stay_in_its_room():
    strangers = [
        f"{_name(path)}: {function.name}({argument.arg})"
        for path, tree in TREES.items()
        if not path.is_relative_to(ROOT / "amortized_sfh" / "cli")
        for function in _functions(tree)
        for argument in _arguments(function)
        if argument.annotation and re.search(r"\bNamespace\b", ast.unparse(argument.annotation))
    ]
    assert strangers == []


def _described(docstring: str) -> list[str]:
    """Names in the section Parameters of a docstring."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", docstring, re.MULTILINE | re.DOTALL
    )
    lines = section[1].splitlines() if section else []
    heads = [line.split(" : ")[0] for line in lines if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def test_docstrings_describe_parameters_that_exist():
    ghosts = [
        f"{_name(path)}: {function.name}({name})"
        for path, tree in TREES.items()
        for function in _functions(tree)
        for name in _described(ast.get_docstring(function) or "")
        if name not in {argument.arg for argument in _arguments(function)}
    ]
    assert ghosts == []
