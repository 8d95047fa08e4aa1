"""Packages in a key: those that code may use, by what pins them, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.packages import PackageLock, whole_lock
from tests.operation.engine.conftest import write

LOCK = """\
numpy==1 \\
    --hash=sha256:1
    # via pandas
pandas==1 \\
    --hash=sha256:2
    # via -r environment.in
ruff==1 \\
    --hash=sha256:3
    # via -r environment.in
"""


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a==1 \\\n    --hash=sha256:1\n", True),
        ("# by hand\na==1 \\\n    --hash=sha256:1\n    # via b\n", True),
        ("a==2 \\\n    --hash=sha256:1\n", False),
        ("a==1 \\\n    --hash=sha256:2\n", False),
        ("a==1 \\\n    --hash=sha256:1\nb==1\n", False),
    ],
)
def test_the_lock_counts_by_what_it_pins(tmp_path: Path, text: str, same: bool) -> None:
    base, other = tmp_path / "base", tmp_path / "other"
    base.write_text("a==1 \\\n    --hash=sha256:1\n")
    other.write_text(text)
    assert (whole_lock(base).digest == whole_lock(other).digest) is same


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project whose Core Scripts may use pandas; nothing is installed."""
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / "site"))
    layout = Layout(tmp_path)
    write(layout, "requirements.lock", LOCK)
    write(layout, "configuration/environments/training.yml", "dependencies:\n  - pip:\n      - pandas==1\n")
    return layout


def _used(layout: Layout, *also: str) -> str:
    return PackageLock(layout).used(frozenset(), also).digest


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("ruff==1", "ruff==2", True),
        ("sha256:3", "sha256:4", True),
        ("# via pandas", "# via  pandas", True),
        ("pandas==1", "pandas==2", False),
        ("numpy==1", "numpy==2", False),
        ("sha256:1", "sha256:5", False),
    ],
)
def test_only_the_closure_of_the_environment_file_counts(
    locked: Layout, old: str, new: str, same: bool
) -> None:
    before = _used(locked)
    write(locked, "requirements.lock", LOCK.replace(old, new))
    assert (_used(locked) == before) is same


def test_the_order_of_the_lock_does_not_count(locked: Layout) -> None:
    before, lines = _used(locked), LOCK.splitlines(keepends=True)
    write(locked, "requirements.lock", "".join([*lines[3:], *lines[:3]]))
    assert _used(locked) == before


def test_without_an_environment_file_every_package_counts(locked: Layout) -> None:
    (locked.configuration / "environments" / "training.yml").unlink()
    before = _used(locked)
    write(locked, "requirements.lock", LOCK.replace("ruff==1", "ruff==2"))
    assert _used(locked) != before


def test_what_is_asked_for_beside_counts(locked: Layout) -> None:
    before = _used(locked, "ruff")
    write(locked, "requirements.lock", LOCK.replace("ruff==1", "ruff==2"))
    assert _used(locked, "ruff") != before


@pytest.mark.parametrize(("name", "same"), [("pandas-1", True), ("pandas-2", False), ("ruff-2", True)])
def test_another_version_that_is_installed_counts(locked: Layout, name: str, same: bool) -> None:
    before = _used(locked)
    (locked.root / "site" / f"{name}.dist-info").mkdir(parents=True)
    assert (_used(locked) == before) is same


def test_what_core_scripts_may_use_holds_no_tool_of_developers() -> None:
    used = PackageLock(project()).used(frozenset()).versions
    assert {"numpy", "scikit-learn"} <= used.keys()
    assert not {"ruff", "mypy", "pytest", "jupyterlab", "granian"} & used.keys()
    assert "ruff" in PackageLock(project()).used(frozenset({"ruff"})).versions
