"""The environment of the peers: other tools with the project's packages, never mixed with ``.venv``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from operation.engine.errors import UsageError, WorkbenchError
from operation.engine.layout import Layout
from operation.setup import lockfile, turn
from operation.setup.checkout import Checkout
from operation.setup.errors import SetupError
from operation.setup.indexes import installer_environment, pip_settings, uv_options
from operation.setup.install import Installer

LIST = Path(__file__).with_name("peers.in")
LOCK = Path(__file__).with_name("peers.txt")
TOOLS = ("papermill", "nbconvert", "nbclient", "ipykernel", "nbmake", "pytest", "doit", "dvc")

Say = Callable[[str], None]


class Peers(Checkout):
    """The peers' environment of a project: ``runs/bench/environment``.

    Parameters
    ----------
    layout : Layout
        The project.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout.root)
        folder = layout.runs / "bench"
        windows = os.name == "nt"
        self.lock = LOCK
        self.venv = folder / "environment"
        self.log = folder / "environment.log"
        self.tools = self.venv / ("Scripts" if windows else "bin")
        self.python = self.tools / ("python.exe" if windows else "python")
        self.uv = self.tools / ("uv.exe" if windows else "uv")

    def make(self, say: Say) -> None:
        """Leave the environment that peers.txt describes, whatever is there now.

        Raises
        ------
        WorkbenchError
            It cannot be installed; with what to do.
        """
        self.venv.parent.mkdir(parents=True, exist_ok=True)
        try:
            with turn.taken(self.venv.with_suffix(".lock"), lambda _: None):
                if not self.ready():
                    self._make(say)
        except SetupError as error:
            said = str(error).replace("requirements.lock", self.lock.name)
            raise WorkbenchError(f"the peers' environment: {said}") from error

    def _make(self, say: Say) -> None:
        count, size = len(lockfile.entries(LOCK)), lockfile.size_in_megabytes(LOCK)
        what = f"up to {count} packages, about {size:,} MB on disk"
        say(f"Setting up the peers, once: {what}, go into {self.venv}")
        shutil.rmtree(self.venv, ignore_errors=True)
        self.log.write_text("", encoding="utf-8")
        installer = Installer(self)
        installer.create()
        installer.fill()
        self.write_stamp(self.complete_stamp())


def tool(folder: Path, name: str) -> str:
    """Return the program `name` of the environment whose programs are in `folder`.

    Raises
    ------
    UsageError
        It is not there.
    """
    found = shutil.which(name, path=str(folder))
    if found is None:
        raise UsageError(
            f"{folder} holds no {name}. Remove the environment, and the next call makes it anew."
        )
    return found


def resolve(layout: Layout) -> None:
    """Write peers.txt anew from peers.in, held to the versions of requirements.lock.

    Raises
    ------
    WorkbenchError
        No versions fit together, or no index answers; the old file stays.
    """
    settings = pip_settings(Path(sys.executable))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / LOCK.name
        shutil.copyfile(LOCK, target)  # uv keeps the versions that it finds there
        words = ["--constraints", str(layout.lock), "--output-file", str(target), "--universal", "--quiet"]
        words += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
        answer = subprocess.run(
            [sys.executable, "-m", "uv", "pip", "compile", str(LIST), *words, *uv_options(settings)],
            env=installer_environment(settings),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if answer.returncode:
            raise WorkbenchError(f"{layout.relative(LIST)} cannot be resolved:\n{answer.stderr.strip()}")
        LOCK.write_bytes(target.read_bytes())
