"""The installers: venv, pip for uv, uv for the lock, and pip where uv fails."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from operation.setup import diagnosis, lockfile, progress, registration
from operation.setup.checkout import Checkout
from operation.setup.errors import SetupError
from operation.setup.indexes import installer_environment, pip_settings, uv_options
from operation.setup.pins import normalised


class _UvFailed(Exception):
    """Uv could not do it; pip may."""


class Installer:
    """Fills the environment of one checkout.

    Parameters
    ----------
    checkout : Checkout
        The project; its ``.venv`` is changed and its log is written.
    """

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.settings: dict[str, str] = {}
        self.environment = installer_environment(self.settings)

    def create(self) -> None:
        """Make an empty virtual environment with pip."""
        progress.say("  making the virtual environment")
        outcome = self._run([sys.executable, "-I", "-m", "venv", str(self.checkout.venv)])
        if outcome.code:
            raise self._failure(outcome.output)

    def fill(self) -> None:
        """Make the environment hold exactly what the lock says, byte-compiled: by uv, else by pip.

        Raises
        ------
        SetupError
            Neither could.
        """
        self._read_settings()
        try:
            self._sync_with_uv()
        except _UvFailed as failed:
            progress.say(f"  {failed}; going on with pip, which takes a few minutes")
            self._sync_with_pip()

    def _sync_with_uv(self) -> None:
        self._get_uv()
        progress.say("  installing and byte-compiling the packages with uv")
        command = [str(self.checkout.uv), "pip", "sync", "--require-hashes", "--compile-bytecode"]
        command += [
            *uv_options(self.settings),
            "--python",
            str(self.checkout.python),
            str(self.checkout.lock),
        ]
        outcome = self._run(command)
        if outcome.code:
            hopeless = (diagnosis.FULL, diagnosis.HASH)
            raise self._uv_failed("uv could not install the packages", outcome.output, hopeless)

    def _sync_with_pip(self) -> None:
        outcome = self._pip("install", "--require-hashes", "--no-deps", "-r", str(self.checkout.lock))
        if outcome.code:
            raise self._failure(outcome.output)
        listed = self._pip("list", "--format=freeze").output
        surplus = {line.partition("==")[0] for line in listed.splitlines() if "==" in line}
        surplus = {name for name in surplus if normalised(name) not in self._kept()}
        if surplus:
            self._pip("uninstall", "--yes", *sorted(surplus))

    def _kept(self) -> set[str]:
        return {*lockfile.versions(self.checkout.lock), "pip", "setuptools", "wheel", registration.NAME}

    def _read_settings(self) -> None:
        has_pip = (self.checkout.python.parent / self.checkout.python.name.replace("python", "pip")).exists()
        self.settings = pip_settings(self.checkout.python if has_pip else Path(sys.executable))
        self.environment = installer_environment(self.settings)

    def _get_uv(self) -> None:
        text = lockfile.entry(self.checkout.lock, "uv")
        if text is None:
            raise _UvFailed("requirements.lock does not hold uv")
        if self._uv_version() == lockfile.version(text):
            return
        progress.say("  fetching uv")
        outcome = self._pip_entry(text)
        if outcome.code and "No module named pip" in outcome.output:
            self._run([str(self.checkout.python), "-I", "-m", "ensurepip", "--default-pip"])
            outcome = self._pip_entry(text)
        if outcome.code:
            hopeless = (diagnosis.FULL, diagnosis.HASH, diagnosis.UNREACHABLE)  # it was pip that failed
            raise self._uv_failed("uv could not be fetched", outcome.output, hopeless)

    def _pip_entry(self, text: str) -> progress.Outcome:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "uv.txt"
            file.write_text(text + "\n", encoding="utf-8")
            return self._pip("install", "--require-hashes", "--no-deps", "--retries", "2", "-r", str(file))

    def _pip(self, command: str, *arguments: str) -> progress.Outcome:
        pip = [str(self.checkout.python), "-I", "-m", "pip", command]
        return self._run([*pip, *arguments])

    def _run(self, command: list[str]) -> progress.Outcome:
        return progress.run(command, self.checkout.log, self.environment)

    def _uv_version(self) -> str:
        try:
            answer = subprocess.run([str(self.checkout.uv), "--version"], stdout=subprocess.PIPE, check=False)
        except OSError:
            return ""
        return [*answer.stdout.decode("utf-8", "replace").split(), "", ""][1]

    def _uv_failed(self, what: str, output: str, hopeless: tuple[re.Pattern[str], ...]) -> Exception:
        """Return the end of it where pip would fail for the same reason, else the reason to try pip."""
        if any(pattern.search(output) for pattern in hopeless):
            return self._failure(output)
        return _UvFailed(f"{what}: {diagnosis.reason(output)}")

    def _failure(self, output: str) -> SetupError:
        return diagnosis.failure(output, self.settings, self.checkout.log, self.checkout.venv)
