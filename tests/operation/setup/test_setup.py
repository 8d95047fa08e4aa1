"""The set-up as a person meets it: real processes, a real environment, a lock of tiny packages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from operation.setup.environment import STAMP

from .conftest import UV, Project, base_python, copy_workbench

POSIX = os.name != "nt"


def test_life_of_an_environment(project: Project, ready_uv: Path) -> None:
    """Made once, then entered at once, then brought up to date when the lock changes."""
    venv = project.root / ".venv"
    project.lock(project.wheel("tiny", "1.0"), project.wheel("gone", "1.0"), ready_uv)
    first = project.call("version", "--json")
    assert first.returncode == 0, first.stderr
    said = "Setting up, once: 9 packages of requirements.lock, about 75 MB on disk, go into"
    assert first.stderr.startswith(f"{said} {venv}\n")
    assert "\nDone in " in first.stderr
    workbench = subprocess.run([venv / "bin" / "workbench", "version"], capture_output=True, check=False)
    assert workbench.returncode == 0 or not POSIX, workbench.stderr
    assert Path(json.loads(first.stdout)["environment"]) == venv
    assert project.installed() == {"tiny": "1.0", "gone": "1.0", "uv": UV}
    assert list(venv.rglob("tiny.cpython-311.pyc")), "byte-compiled at install time"

    lock = project.root / "requirements.lock"
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))  # as git may check it out
    second = project.call("version")
    assert (second.returncode, second.stderr) == (0, "")

    project.lock(project.wheel("tiny", "2.0"), ready_uv)
    third = project.call("version")
    assert third.returncode == 0
    assert third.stderr.startswith("requirements.lock or pyproject.toml changed: updating .venv.")
    assert "\nDone in " in third.stderr
    assert project.installed() == {"tiny": "2.0", "uv": UV}

    pyproject = project.root / "pyproject.toml"
    pyproject.write_text(
        pyproject.read_text(encoding="utf-8")
        .replace("\nworkbench = ", "\nbench = ", 1)
        .replace("line-length = 110", "line-length = 111"),
        encoding="utf-8",
    )
    assert project.call("version").returncode == 0
    assert (venv / "bin" / "bench").exists() or not POSIX, "entry points follow pyproject.toml"

    project.lock(ready_uv)  # a lock that may not be installable is resolved in the environment there is
    (project.root / "environment.yml").write_text(f"dependencies:\n  - pip:\n      - uv=={UV}\n")
    fourth = project.call("lock", "--check")
    assert (fourth.returncode, fourth.stderr) == (0, ""), fourth.stderr
    assert project.installed() == {"tiny": "2.0", "uv": UV}


def test_groups_are_added_by_the_command_that_needs_them(project: Project, ready_uv: Path) -> None:
    """Without a network the message names the command that fetches the group."""
    tiny, big = project.wheel("tiny", "1.0"), project.wheel("big", "1.0")
    project.lock(tiny, big, ready_uv)
    file = project.root / "pyproject.toml"
    begin, _, rest = file.read_text(encoding="utf-8").partition("[dependency-groups]")
    _, _, tables = rest.partition("\n[")
    file.write_text(f'{begin}[dependency-groups]\nray = ["big"]\n[{tables}', encoding="utf-8")
    assert project.call("version").returncode == 0
    assert project.installed() == {"tiny": "1.0", "uv": UV}

    content = big.read_bytes()
    big.unlink()
    index = "http://127.0.0.1:9/simple"
    offline = project.call("sweep", "x", "--engine", "ray", PIP_NO_INDEX="0", PIP_INDEX_URL=index)
    assert offline.returncode == 1
    assert "With a network, `python3 -m operation setup --group ray` fetches them." in offline.stderr
    assert project.call("version").returncode == 0, "the environment is what it was"

    big.write_bytes(content)
    added = project.call("setup", "--group", "ray")
    assert added.returncode == 0, added.stderr
    assert added.stderr.startswith("`setup` needs packages of the group ray, added once.\n")
    assert added.stdout.endswith("optional groups in it: ray\n")
    assert project.installed() == {"tiny": "1.0", "big": "1.0", "uv": UV}
    again = project.call("setup", "--group=ray")
    assert (again.returncode, again.stderr) == (0, "")
    project.lock(project.wheel("tiny", "2.0"), project.wheel("big", "2.0"), ready_uv)
    assert project.call("version").returncode == 0
    assert project.installed() == {"tiny": "2.0", "big": "2.0", "uv": UV}, "a new lock keeps the groups"


def test_wrong_hash_installs_nothing(started: Project, ready_uv: Path) -> None:
    started.lock(started.wheel("tiny", "1.0"), ready_uv)
    started.wheel("tiny", "1.0", b"value = 'tampered'\n")
    answer = started.call("version")
    assert answer.returncode == 1
    assert "what requirements.lock pins, and it was not installed" in answer.stderr
    assert not list((started.root / ".venv").rglob("tiny.py"))


def test_no_index_is_one_message(started: Project, ready_uv: Path) -> None:
    started.lock(ready_uv)
    index = "http://user:secret@127.0.0.1:9/simple"
    answer = started.call("version", PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=index)
    assert answer.returncode == 1
    message = answer.stderr[answer.stderr.index("error: ") :]
    said = "error: no package index can be reached (index-url http://***@127.0.0.1:9/simple): "
    assert message.startswith(said)
    assert "Check `pip config list`, PIP_INDEX_URL and, behind a proxy, HTTPS_PROXY and PIP_CERT" in message
    assert f"The installer's output is in {started.root / 'runs' / 'set-up.log'}." in message
    assert "Traceback" not in answer.stderr
    assert "secret" not in answer.stderr


def test_index_that_lacks_a_package_is_named(started: Project, ready_uv: Path) -> None:
    missing = started.wheel("tiny", "1.0")
    started.lock(missing, ready_uv)
    missing.unlink()
    answer = started.call("version")
    assert answer.returncode == 1
    where = f"no-index is set; find-links: {started.wheels}"
    assert f"error: the package index ({where}) lacks what requirements.lock pins: " in answer.stderr
    assert not (started.root / ".venv" / STAMP).exists(), "the environment is what it was"


def test_source_that_cannot_be_built_leaves_the_environment_as_it_was(
    project: Project, ready_uv: Path
) -> None:
    tiny = project.wheel("tiny", "1.0")
    project.lock(tiny, ready_uv)
    assert project.call("version").returncode == 0
    sound = (project.root / "requirements.lock").read_bytes()
    source = project.wheels / "odd-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        archive.add(tiny, "odd-1.0/no-project-at-all")
    project.lock(tiny, ready_uv, source)
    answer = project.call("version")
    assert answer.returncode == 1
    assert "error: the packages could not be installed. The installer's output is in " in answer.stderr
    (project.root / "requirements.lock").write_bytes(sound)
    again = project.call("version")
    assert (again.returncode, again.stderr) == (0, "")


def test_file_indexes_that_lack_packages_or_do_not_exist(
    started: Project, ready_uv: Path, tmp_path: Path
) -> None:
    """Each package is in one of the indexes only; pip passes over the rest, and so does uv."""
    tiny = started.wheel("tiny", "1.0")
    started.lock(tiny, ready_uv)
    one = _index(tmp_path / "one", tiny, *started.backend)
    urls = [one, _index(tmp_path / "two", ready_uv), "file:///no/such/simple"]
    settings = {"PIP_INDEX_URL": urls[0], "PIP_EXTRA_INDEX_URL": " ".join(urls[1:])}
    answer = started.call("version", PIP_NO_INDEX="0", PIP_FIND_LINKS="/no/such/folder", **settings)
    assert answer.returncode == 0, answer.stderr
    assert started.installed() == {"tiny": "1.0", "uv": UV}


def _index(folder: Path, *wheels: Path) -> str:
    for wheel in wheels:
        page = folder / "simple" / wheel.name.split("-")[0].replace("_", "-")
        page.mkdir(parents=True)
        shutil.copy(wheel, page)
        link = f'<!DOCTYPE html><html><body><a href="{wheel.name}">{wheel.name}</a></body></html>'
        (page / "index.html").write_text(link, encoding="utf-8")
    return (folder / "simple").as_uri()


@pytest.mark.skipif(not POSIX, reason="kills a process group")
@pytest.mark.parametrize(
    ("state", "moment", "kill"),
    [
        ("project", "making the virtual environment", getattr(os, "killpg", os.kill)),
        ("started", "installing and byte-compiling", os.kill),  # the installer lives on for a while
    ],
    ids=["group", "parent"],
)
def test_killed_half_way_is_repaired_by_the_next_call(
    state: str,
    moment: str,
    kill: Callable[[int, int], None],
    ready_uv: Path,
    request: pytest.FixtureRequest,
) -> None:
    project: Project = request.getfixturevalue(state)
    project.lock(project.wheel("tiny", "1.0"), ready_uv)
    process = project.start("version")
    assert process.stderr is not None
    assert any(moment in line for line in process.stderr)
    kill(process.pid, signal.SIGKILL)
    process.communicate()
    stamp = json.loads((project.root / ".venv" / STAMP).read_text(encoding="utf-8"))
    assert stamp["state"] == "incomplete"

    answer = project.call("version")
    assert answer.returncode == 0, answer.stderr
    assert "Setting up, once (an earlier set-up did not finish): 8 packages" in answer.stderr
    assert project.installed() == {"tiny": "1.0", "uv": UV}


@pytest.mark.skipif(not POSIX, reason="sends an interrupt to a process group")
def test_interrupt_is_said_and_exits_130(project: Project, ready_uv: Path) -> None:
    project.lock(ready_uv)
    process = project.start("version")
    assert process.stderr is not None
    assert any("making the virtual environment" in line for line in process.stderr)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.endswith("\ninterrupted; the next command completes the set-up\n")


@pytest.mark.skipif(not POSIX, reason="starts process groups")
def test_two_set_ups_at_once_make_one_environment(started: Project, ready_uv: Path) -> None:
    started.lock(ready_uv)
    first = started.start("version")
    assert first.stderr is not None
    assert first.stderr.readline().startswith("Completing .venv")
    second = started.start("version")
    said = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert "Done in" in said[0]
    assert said[1].startswith("Another process is setting up this folder; waiting for it.\n")
    assert "Done in" not in said[1]


def test_help_and_mistyped_commands_need_no_set_up(project: Project, ready_uv: Path) -> None:
    project.lock(ready_uv)
    assert project.call("--help").returncode == 0
    assert project.call("version", "--help").returncode == 0
    assert project.call("vresion").returncode == 2
    assert not (project.root / ".venv").exists()


def test_environment_of_another_python_is_not_thrown_away(project: Project, ready_uv: Path) -> None:
    project.lock(ready_uv)
    project.python.parent.mkdir(parents=True)
    shutil.copy(base_python(), project.python)
    (project.root / ".venv" / "pyvenv.cfg").write_text(
        "home = /nowhere\nversion = 3.12.1\n", encoding="utf-8"
    )
    answer = project.call("version")
    assert answer.returncode == 1
    assert answer.stderr == (
        f"error: {project.root / '.venv'} was made with Python 3.12.1 and the workbench needs 3.11. "
        "Remove the folder, then rerun: a new one is made.\n"
    )


def test_lock_file_is_missing(project: Project) -> None:
    answer = project.call("version")
    assert answer.returncode == 1
    lock = project.root / "requirements.lock"
    said = f"error: {lock} is missing: restore it with `git checkout requirements.lock`.\n"
    assert answer.stderr == said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 75 MB; mounting one needs Linux and its root, by sudo where it asks nothing."""
    if sys.platform != "linux":
        pytest.skip("a small file system is mounted on Linux only")
    folder = tmp_path / "disk"
    folder.mkdir()
    root = ["sudo", "-n"] if os.geteuid() and shutil.which("sudo") else []
    mount = [*root, "mount", "-t", "tmpfs", "-o", "size=75m,mode=1777", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no tmpfs can be mounted: {done.stderr}")
    yield folder
    subprocess.run([*root, "umount", "--lazy", str(folder)], check=True)


def test_disk_that_is_too_small_is_said_before_anything_is_written(
    project: Project, ready_uv: Path, small_disk: Path
) -> None:
    project.root = small_disk / "project"
    copy_workbench(project.root)
    project.lock(*(project.wheel(name, "1.0") for name in ("one", "two", "three")), ready_uv)
    answer = project.call("version")
    assert answer.returncode == 1
    assert f"error: the environment takes about 80 MB and {project.root} has 7" in answer.stderr
    assert answer.stderr.endswith(" MB free. Free some space, or clone to a larger disk.\n")
    assert not (project.root / ".venv").exists()


def test_disk_that_fills_up_is_said(project: Project, ready_uv: Path, small_disk: Path) -> None:
    project.root = small_disk / "project"
    copy_workbench(project.root)
    project.lock(ready_uv, project.wheel("tiny", "1.0", b"#" * 40_000_000))
    answer = project.call("version")
    assert answer.returncode == 1
    assert f"error: no space is left on the disk of {project.root / '.venv'}" in answer.stderr
    assert "Free some, then rerun: it starts over." in answer.stderr
    assert "Traceback" not in answer.stderr.split("error: no space")[1]
