"""Imports go one way, and a local command imports nothing that it does not need."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from operation import cli
from operation.setup.pins import normalised, read_pins

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"pandas", "numpy", "sklearn", "scipy", "pyarrow", "pandera", "matplotlib"}
HEAVY |= {"mlflow", "papermill", "nbconvert", "nbformat", "nbclient", "IPython", "ipykernel", "jupyterlab"}
SERVICE = {"starlette", "uvicorn", "trustme", "anyio", "cryptography"}
REHEARSAL_MUST_NOT = ("operation.commands", "operation.execution", "operation.cli", "src")
REHEARSAL_MAY = ("operation.engine.errors", "operation.engine.layout")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield every module that `path` imports when it runs, and whether it does so inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    inside = {id(node) for part in ast.walk(tree) if isinstance(part, functions) for node in ast.walk(part)}
    unused = {id(node) for part in ast.walk(tree) if _only_for_types(part) for node in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in unused:
            yield from ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module and id(node) not in unused:
            yield from ((f"{node.module}.{alias.name}", id(node) in inside) for alias in node.names)


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def violations(folder: str, forbidden: tuple[str, ...]) -> list[str]:
    """Return the imports under `folder` of `forbidden` modules or of anything in them."""
    return [
        f"{path.relative_to(ROOT).as_posix()} imports {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name, _ in imports(path)
        if any(name == module or name.startswith(f"{module}.") for module in forbidden)
    ]


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("src", ("operation", "papermill", "IPython", "notebooks", "core")),
        ("operation/engine", ("operation.commands", "operation.execution", "operation.cli", "src")),
        ("operation/execution", ("operation.commands", "operation.cli")),
        ("operation/setup", ("operation.engine", "operation.commands", "operation.execution")),
        ("operation/rehearsal", REHEARSAL_MUST_NOT),
        ("notebooks", ("operation.commands", "operation.execution", "operation.cli", "papermill")),
    ],
)
def test_imports_go_one_way(folder: str, forbidden: tuple[str, ...]) -> None:
    assert violations(folder, forbidden) == []


def test_azureml_is_imported_by_credentials_and_ops_scripts_only_inside_functions() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()} imports {name}"
        for folder in ("src", "operation", "notebooks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name, inside in imports(path)
        if name.split(".")[0] == "azureml" and not (inside and _may_import_azureml(path))
    ]
    assert found == []


def _may_import_azureml(path: Path) -> bool:
    alone = path in (ROOT / "src" / "utils.py", ROOT / "src" / "remote_data.py")
    return alone or bool({ROOT / "operation" / name for name in ("execution", "rehearsal")} & {*path.parents})


def test_the_rehearsal_knows_nothing_of_the_engine_but_its_errors_and_folders() -> None:
    found = violations("operation/rehearsal", ("operation.engine",))
    assert [line for line in found if not any(f" {name}." in line for name in REHEARSAL_MAY)] == []


def test_the_web_framework_is_imported_by_the_rehearsal_alone() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()} imports {name}"
        for folder in ("src", "operation", "notebooks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name, _ in imports(path)
        if name.split(".")[0] in SERVICE and ROOT / "operation" / "rehearsal" not in path.parents
    ]
    assert found == []


def test_set_up_imports_the_standard_library_alone() -> None:
    files = [ROOT / "operation" / "__main__.py", *sorted((ROOT / "operation" / "setup").glob("*.py"))]
    packages = {name.split(".")[0] for path in files for name, _ in imports(path)}
    assert packages - sys.stdlib_module_names == {"operation"}


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a child process holds after `code`."""
    report = (
        "import sys, json; print('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    words = [sys.executable, "-c", f"{code}\n{report}"]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    return set(json.loads(answer.stdout.splitlines()[-1]))


@pytest.mark.parametrize("words", [["--help"], ["version"], ["check"]], ids=" ".join)
def test_quick_commands_import_nothing_heavy(words: list[str]) -> None:
    found = modules_after(f"from operation import cli; assert cli.main({words!r}) == 0")
    assert found & (HEAVY | SERVICE | {"azureml"}) == set()


def test_no_command_imports_anything_heavy_before_it_runs() -> None:
    names = [name.replace("-", "_") for name in cli.COMMANDS]
    found = modules_after("\n".join(f"import operation.commands.{name}" for name in names))
    assert found & (HEAVY | SERVICE | {"azureml"}) == set()


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
    used = {
        name.partition(".")[0]
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for name, _ in imports(path)
    }
    third_party = {
        name: {normalised(one) for one in distributions[name]} for name in used if name in distributions
    }
    assert [name for name, owners in sorted(third_party.items()) if not owners & pinned] == []


def test_the_rehearsal_knows_of_set_up_only_where_packages_come_from() -> None:
    found = violations("operation/rehearsal", ("operation.setup",))
    assert [line for line in found if " operation.setup.indexes." not in line] == []
