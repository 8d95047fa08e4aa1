"""``lock``: resolve requirements.lock from environment.yml."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.files import replacing
from operation.engine.foundation.layout import Layout, project
from operation.setup import lockfile
from operation.setup.indexes import installer_environment, pip_settings, uv_options

PYTHON = "3.11"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``lock``."""
    parser.description = (
        "Resolve requirements.lock from environment.yml, for Linux, macOS and Windows, with hashes. "
        "Locked versions that still fit stay as they are."
    )
    parser.epilog = "examples:\n  python3 -m operation lock\n  python3 -m operation lock --check"
    parser.add_argument(
        "--upgrade", action="store_true", help="use the newest versions that fit instead of the locked ones"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="change nothing, without a network; exit code 1 if the lock is outdated",
    )


def run(args: argparse.Namespace) -> int:
    """Check or resolve, and print what changed."""
    layout = project()
    if args.check:
        if mistakes := problems(layout):
            raise WorkbenchError("\n".join([*mistakes, "Fix it with `python3 -m operation lock`."]))
        print("requirements.lock fits environment.yml")
        return 0
    before = lockfile.versions(layout.lock) if layout.lock.is_file() else {}
    resolve(layout, upgrade=args.upgrade)
    _report(before, lockfile.versions(layout.lock))
    return 0


def problems(layout: Layout) -> list[str]:
    """Return why the lock does not fit environment.yml, a line each, without using an index."""
    entries = lockfile.entries(layout.lock) if layout.lock.is_file() else []
    locked = lockfile.versions(layout.lock) if entries else {}
    pins = direct(layout)
    bare = [entry.text.split()[0] for entry in entries if "--hash=" not in entry.text]
    named = {entry.name for entry in entries if entry.is_direct}
    unnamed = sorted(set(pins) & set(locked) - named)
    return [
        *(
            f"environment.yml pins {name} {version}; requirements.lock has {_listed(locked.get(name))}"
            for name, version in pins.items()
            if locked.get(name) != {version}
        ),
        *(f"requirements.lock: {name} has no hash" for name in bare),
        *(f"requirements.lock does not say that environment.yml names {name}" for name in unnamed),
    ]


def direct(layout: Layout) -> dict[str, str]:
    """Return the direct dependencies of environment.yml: package name -> version."""
    pins = lockfile.read_pins(layout.root / "environment.yml")
    return {name: version for name, version in pins.items() if name != "python"}


def resolve(layout: Layout, *, upgrade: bool = False) -> None:
    """Write a new lock; the old one stays when the pins cannot be resolved together."""
    with tempfile.TemporaryDirectory() as folder:
        pinned, lock = Path(folder) / "environment.in", Path(folder) / "requirements.lock"
        pins = direct(layout).items()
        pinned.write_text("".join(f"{name}=={version}\n" for name, version in pins), encoding="utf-8")
        # uv keeps the versions of the lock, and reads [tool.uv]: what a package needs, where it says too much
        for file in (layout.lock, layout.root / "pyproject.toml"):
            if file.is_file():
                shutil.copyfile(file, lock.with_name(file.name))
        _compile(pinned, lock, upgrade=upgrade)
        with replacing(layout.lock) as partial:
            shutil.copyfile(lock, partial)


def _compile(pinned: Path, lock: Path, *, upgrade: bool) -> None:
    command = [sys.executable, "-m", "uv", "pip", "compile", pinned.name, f"--output-file={lock.name}"]
    command += ["--universal", f"--python-version={PYTHON}", "--generate-hashes", "--no-header", "--quiet"]
    command += ["--annotation-style=line"]  # which package needs it: set-up reads groups from it
    settings = pip_settings(Path(sys.executable))
    command += [*uv_options(settings), *(["--upgrade"] if upgrade else [])]
    environment = installer_environment(settings)
    process = subprocess.run(
        command, cwd=lock.parent, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if process.returncode:
        raise WorkbenchError(f"environment.yml cannot be resolved:\n{process.stderr.strip()}")


def _report(before: dict[str, set[str]], after: dict[str, set[str]]) -> None:
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    for name in changed:
        print(f"  {name}: {_listed(before.get(name))} -> {_listed(after.get(name))}")
    print(f"requirements.lock: {len(after)} packages, {len(changed)} changed")


def _listed(versions: set[str] | None) -> str:
    return ", ".join(sorted(versions)) if versions else "none"
