"""The types of the package reach its users: their checkers know them and report wrong calls."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import amortized_sfh as asfh

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("priors", "simulators", "amortized_sfh")
SCRIPT = """\
import amortized_sfh as asfh

model = asfh.load_model("phangs-bc03")
reveal_type(model)
samples = asfh.infer(model, "cube.fits")
reveal_type(samples)
asfh.load_modle("phangs-bc03")
"""


def test_checkers_and_python_see_the_same_names():
    stub = ast.parse((ROOT / "amortized_sfh" / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    # anything but `import x as x` is not exported for a type checker
    names = [alias.name for node in imports for alias in node.names if alias.asname == alias.name]
    assert sorted(names) == asfh.__all__
    with pytest.raises(AttributeError, match="has no attribute 'load_modle'"):
        asfh.load_modle  # noqa: B018


def _mypy(code: str, folder: Path, cache: Path) -> list[str]:
    """Messages about a user's file, which lies outside of the repository."""
    pytest.importorskip("mypy")
    (folder / "script.py").write_text(code)
    options = ["--strict", "--config-file=", "--no-error-summary", f"--cache-dir={cache}"]
    command = [sys.executable, "-m", "mypy", *options, "script.py"]
    result = subprocess.run(  # noqa: S603
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode <= 1, result.stderr
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def mypy_cache(request):
    """Reading the types of torch anew takes twenty seconds."""
    return request.config.cache.mkdir("mypy")


@pytest.mark.slow
def test_wrong_calls_of_a_user_are_reported(tmp_path, mypy_cache):
    model, call, samples, misspelt = _mypy(SCRIPT, tmp_path, mypy_cache)
    assert model.startswith("script.py:4: note: Revealed type is")
    assert model.endswith('PosteriorModel"')
    assert call.startswith('script.py:5: error: Argument 2 to "infer" has incompatible type "str"')
    assert samples.endswith('PosteriorSamples"')
    assert misspelt.startswith('script.py:7: error: Module has no attribute "load_modle"')


def _returns(value: object) -> object:
    """Return annotation of a function, None of anything else."""
    return getattr(value, "__annotations__", {}).get("return")


@pytest.mark.slow
def test_every_exported_name_has_a_type(tmp_path, mypy_cache):
    names = asfh.__all__
    lines = [f"reveal_type(asfh.{name})" for name in names]
    messages = _mypy("\n".join(["import amortized_sfh as asfh", *lines]), tmp_path, mypy_cache)
    revealed = [message for message in messages if "Revealed type" in message]
    assert len(revealed) == len(names), messages
    # astropy has no types, so that its tables are unknown to a checker
    tables = [name for name in names if _returns(getattr(asfh, name)) == "Table"]
    untyped = [line for line in revealed if re.search('is "Any"|-> Any"', line)]
    assert len(untyped) == len(tables), untyped


def test_the_wheel_holds_code_types_and_data(tmp_path, monkeypatch):
    backend = pytest.importorskip("hatchling.build")
    monkeypatch.chdir(ROOT)
    wheel = backend.build_wheel(str(tmp_path))
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {f"{package}/py.typed" for package in PACKAGES} <= held
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*")]
    wanted = [
        path for path in files if path.is_file() and path.suffix != ".pyc" and path.name[0] != "."
    ]
    assert held == {path.relative_to(ROOT).as_posix() for path in wanted}
