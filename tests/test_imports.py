"""A local command imports nothing that it does not need; in what order rooms import, import-linter checks."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from operation import cli
from operation.setup.lockfile import normalised, read_pins

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"pandas", "numpy", "sklearn", "scipy", "pyarrow", "pandera", "matplotlib"}
HEAVY |= {"mlflow", "papermill", "nbconvert", "nbformat", "nbclient", "IPython", "ipykernel", "jupyterlab"}
SERVICE = {"starlette", "uvicorn", "trustme", "anyio", "cryptography"}


def packages_imported_by(path: Path) -> set[str]:
    """Return the top-level packages that `path` imports when it runs, in functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    types = [one for one in blocks if isinstance(one.test, ast.Name) and one.test.id == "TYPE_CHECKING"]
    skipped = {id(node) for block in types for node in ast.walk(block)}
    nodes = [node for node in ast.walk(tree) if id(node) not in skipped]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in names}


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a child process holds after `code`."""
    report = (
        "import sys, json; print('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    words = [sys.executable, "-c", f"{code}\n{report}"]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    return set(json.loads(answer.stdout.splitlines()[-1]))


def importing(*folders: str, only: Sequence[str] = ()) -> str:
    """Return code that imports every module under `folders` of the root, or `only` those of these names.

    Those of ``src`` are flat.
    """
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    paths = [path for path in paths if not only or path.stem in only]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    lines = [f"import {name.removeprefix('src.')}" for name in names if not name.endswith("__")]
    return "\n".join(["import sys; sys.path.insert(0, 'src')", *lines])


@pytest.mark.parametrize("words", [["--help"], ["version"], ["check"]], ids=" ".join)
def test_quick_commands_import_nothing_heavy(words: list[str]) -> None:
    found = modules_after(f"from operation import cli; assert cli.main({words!r}) == 0")
    assert found & (HEAVY | SERVICE | {"azureml"}) == set()


def test_no_command_imports_anything_heavy_before_it_runs() -> None:
    names = [name.replace("-", "_") for name in cli.COMMANDS]
    found = modules_after("\n".join(f"import operation.commands.{name}" for name in names))
    assert found & (HEAVY | SERVICE | {"azureml"}) == set()


MEASURING = [
    "evaluate",
    "explain",
    "train_baseline",
]  # Core Scripts that need scikit-learn's metrics, whatever they are given
CORE_SCRIPTS = [path.stem for path in sorted((ROOT / "src").glob("*.py")) if path.stem not in MEASURING]


@pytest.mark.parametrize(
    ("scripts", "unused"),
    [
        (CORE_SCRIPTS, {"sklearn", "scipy", "pandera", "mlflow", "treelite"}),
        (["evaluate"], {"matplotlib", "pandera", "mlflow", "treelite"}),
    ],
    ids=["others", "evaluate"],
)
def test_a_core_script_imports_only_what_it_uses(scripts: list[str], unused: set[str]) -> None:
    assert modules_after(importing("src", only=scripts)) & unused == set()


def test_azureml_is_imported_only_inside_functions() -> None:
    code = importing("src", "operation/execution", "operation/emulator")
    assert "azureml" not in modules_after(code)


def test_set_up_imports_the_standard_library_alone() -> None:
    files = [ROOT / "operation" / "__main__.py", *sorted((ROOT / "operation" / "setup").glob("*.py"))]
    packages = set().union(*map(packages_imported_by, files))
    assert packages - sys.stdlib_module_names == {"operation"}


@pytest.mark.parametrize(
    ("folders", "file"),
    [
        (["src"], "configuration/environments/training.yml"),
        (["src", "operation", "notebooks", "tests"], "environment.yml"),
    ],
)
def test_every_package_that_is_imported_is_pinned(folders: list[str], file: str) -> None:
    distributions = packages_distributions()
    pinned = set(read_pins(ROOT / file))
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    used = set().union(*map(packages_imported_by, paths))
    third_party = {
        name: {normalised(one) for one in distributions[name]} for name in used if name in distributions
    }
    assert [name for name, owners in sorted(third_party.items()) if not owners & pinned] == []
