"""Every file that names a version names the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from operation.setup import lockfile
from operation.setup.groups import ALL
from operation.setup.lockfile import normalised, read_pins

from .conftest import ROOT

ENVIRONMENT = ROOT / "environment.yml"
REMOTE = sorted((ROOT / "configuration" / "environments").glob("*.yml"))


def test_lock_holds_what_environment_pins() -> None:
    locked = lockfile.versions(ROOT / "requirements.lock")
    pins = read_pins(ENVIRONMENT)
    assert pins.pop("python") == "3.11"
    assert {name: {version} for name, version in pins.items()} == {name: locked.get(name) for name in pins}


@pytest.mark.parametrize("file", REMOTE, ids=lambda file: file.name)
def test_remote_environments_hold_the_same_versions(file: Path) -> None:
    pins, remote = read_pins(ENVIRONMENT), read_pins(file)
    locked = lockfile.versions(
        ROOT / "requirements.lock"
    )  # holds what Windows lacks, environment.yml does not
    wanted = {name: {pins[name]} if name in pins else locked.get(name) for name in remote}
    assert {name: {version} for name, version in remote.items()} == wanted


@pytest.mark.parametrize("file", [ENVIRONMENT, *REMOTE], ids=lambda file: file.name)
def test_every_dependency_is_pinned_and_read_as_yaml_reads_it(file: Path) -> None:
    *plain, nested = yaml.safe_load(file.read_text(encoding="utf-8"))["dependencies"]
    wanted = dict(line.split("==") for line in nested["pip"])
    assert plain == ["python=3.11", "pip"]
    assert read_pins(file) == {"python": "3.11", **wanted}


def test_every_entry_of_the_lock_has_hashes_and_names_no_index() -> None:
    entries = lockfile.entries(ROOT / "requirements.lock")
    assert [entry.name for entry in entries if "--hash=sha256:" not in entry.text] == []
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


LOCK = """# by hand
a==1 \\
    --hash=sha256:0
    # via -r environment.in
B.c[x]==2 ; os_name == 'nt' \\
    --hash=sha256:1
    # via a, d
d==3 \\
    --hash=sha256:2
    # via -r environment.in
"""


def test_entry_stands_alone_and_names_what_needs_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(LOCK, encoding="utf-8")
    a, b, d = lockfile.entries(tmp_path / "requirements.lock")
    assert b == lockfile.Entry(
        "b-c",
        "2",
        "B.c[x]==2 ; os_name == 'nt' \\\n    --hash=sha256:1",
        frozenset({"a", "d"}),
        is_direct=False,
    )
    assert (a.is_direct, d.is_direct) == (True, True)
    assert lockfile.versions(tmp_path / "requirements.lock") == {"a": {"1"}, "b-c": {"2"}, "d": {"3"}}
    assert [entry.name for entry in lockfile.closure([a, b, d], ["a"])] == ["a", "b-c"]


def test_each_group_names_direct_dependencies_and_what_is_no_group_needs_none_of_them() -> None:
    """The least environment is whole: nothing that it holds needs a package of a group."""
    pins, groups = read_pins(ENVIRONMENT), lockfile.read_groups(ROOT / "pyproject.toml")
    assert set(groups) == ALL
    optional = {name for names in groups.values() for name in names}
    assert optional <= set(pins)
    entries = lockfile.entries(ROOT / "requirements.lock")
    assert {entry.name for entry in entries if entry.is_direct} == set(pins) - {"python"}
    everything = lockfile.closure(entries, pins)
    assert everything == entries


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", fullmatch=True))
def test_normalising_twice_is_normalising_once(name: str) -> None:
    assert normalised(normalised(name)) == normalised(name)
