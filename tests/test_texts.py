"""README, docs and the other texts give commands that are understood, and name what exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from amortized_sfh import __version__
from amortized_sfh.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def _commands(path: Path) -> Iterator[list[str]]:
    """Words of every `amortized-sfh` command with options, in code blocks and in sentences."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    lines += re.findall(r"`(amortized-sfh [^`]* --[^`]*)`", text)
    for line in lines:
        if re.match(r"(\S*/)?amortized-sfh ", line.strip()):
            yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_of_the_texts_are_understood(path, capsys):
    for words in _commands(path):
        try:
            build_parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{shlex.join(words)}: {capsys.readouterr().err}")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_texts_name_files_and_modules_that_exist(path):
    text = path.read_text(encoding="utf-8")
    files = [path.parent / link for link in re.findall(r"\]\(([^):#]+)\)", text)]
    modules = re.findall(r"python -m (benchmarks[.\w]*)", text)
    files += [ROOT / f"{module.replace('.', '/')}.py" for module in modules]
    assert [str(file) for file in files if not file.exists()] == []


def test_the_citation_names_the_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
