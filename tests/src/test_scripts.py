"""What every Core Script owes its callers, whichever it is."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.src.running import SRC, child

MODULES = sorted(path.relative_to(SRC).with_suffix("").as_posix() for path in SRC.rglob("*.py"))
OWN = {name.partition("/")[0] for name in MODULES}
SCRIPTS = [name for name in MODULES if "def build_parser" in (SRC / f"{name}.py").read_text(encoding="utf-8")]
OPENING = ("read_text", "write_text", "open")
OUTSIDE = {"operation", "papermill", "IPython", "nbconvert"}
AZURE = {"azureml", "azure"}
ASK_AZURE = {"utils", "support/azure", "tabular/remote_data"}  # credentials, the run, data that is elsewhere
TRAINING_FILE = SRC.parent / "configuration" / "environments" / "training.yml"
PINS = {
    name.lower().replace("_", "-") for name in re.findall(r"- ([\w.-]+)==", TRAINING_FILE.read_text("utf-8"))
}
# what it installs, under the names that are imported
TRAINING = {
    name
    for name, packages in packages_distributions().items()
    if any(package.lower().replace("_", "-") in PINS for package in packages)
} - AZURE


def imports(module: str) -> set[str]:
    """Return the top-level names that a module imports, wherever in it."""
    tree = ast.parse((SRC / f"{module}.py").read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_scripts_of_a_use_case_are_there() -> None:
    scripts = "backtest batch_score collect compare_models compare_variants detect_drift evaluate explain"
    scripts += " forecast_many gate ingest join_outcomes materialise prepare promote register replay_traffic"
    scripts += " train train_baseline train_many validate"
    assert " ".join(SCRIPTS) == scripts


@pytest.mark.parametrize("module", MODULES)
def test_a_script_imports_only_what_training_installs(module: str) -> None:
    known = TRAINING | set(sys.stdlib_module_names) | OWN | (AZURE if module in ASK_AZURE else set())
    unknown = imports(module) - known
    assert unknown == set(), f"pin it in environment.yml and in {TRAINING_FILE}"
    assert imports(module) & OUTSIDE == set()


def test_credentials_are_imported_by_what_opens_a_workspace_alone() -> None:
    assert [name for name in MODULES if "utils" in imports(name)] == ["tabular/remote_data"]


@pytest.mark.parametrize("module", SCRIPTS)
def test_every_argument_is_an_option_with_help(module: str) -> None:
    parser = importlib.import_module(module).build_parser()
    for action in parser._actions:
        assert action.help, f"{module} {action.option_strings}"
        assert action.option_strings[0].startswith("-")
    parser.format_help()


@pytest.mark.parametrize("module", SCRIPTS)
def test_outputs_are_required(module: str) -> None:
    parser = importlib.import_module(module).build_parser()
    outputs = [action for action in parser._actions if getattr(action.type, "__name__", "") == "output_path"]
    assert outputs
    assert all(action.required for action in outputs)


@pytest.mark.parametrize("module", ["ingest", "train"])
def test_help_is_had_alone(module: str) -> None:
    done = child(module, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {module}.py ")


USE_CASES = sorted(
    path.stem.removeprefix("configuration-")
    for path in (SRC.parent / "configuration").glob("configuration-*.yml")
    if not path.stem.removeprefix("configuration-").isupper()
)


@pytest.mark.parametrize("use_case", ["flights", "diabetes"])
def test_no_line_outside_the_readers_mentions_a_use_case(use_case: str) -> None:
    assert use_case in USE_CASES
    root = SRC.parent
    found = [
        f"{path.relative_to(root).as_posix()}:{number}"
        for folder in ("src", "notebooks", "operation")
        for path in sorted((root / folder).rglob("*.py"))
        if path != SRC / "ingest.py" and path.parent != SRC / "examples"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if use_case in line.lower()
    ]
    assert found == []


def test_texts_are_read_and_written_as_utf_8() -> None:
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in OPENING:
                mode = getattr(node.args[0], "value", "") if node.args else ""
                if mode in ("rb", "wb", "xb") or ast.unparse(node.func) == "os.open":
                    continue  # bytes
                assert any(word.arg == "encoding" for word in node.keywords), f"{path.name}:{node.lineno}"
