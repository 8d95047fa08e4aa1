"""Every file that names a version names the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from operation.setup import lockfile
from operation.setup.pins import normalised, read_pins

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
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_entry_of_a_package_stands_alone(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# by hand\na==1 \\\n    --hash=sha256:0\nB.c[x]==2 ; os_name == 'nt' \\\n    --hash=sha256:1\n"
    )
    assert lockfile.entry(lock, "b-c") == "B.c[x]==2 ; os_name == 'nt' \\\n    --hash=sha256:1"
    assert lockfile.entry(lock, "absent") is None
    assert lockfile.versions(lock) == {"a": {"1"}, "b-c": {"2"}}


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", fullmatch=True))
def test_normalising_twice_is_normalising_once(name: str) -> None:
    assert normalised(normalised(name)) == normalised(name)
