"""The installers: venv, pip for uv, uv for the lock, and pip where uv fails."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from operation.setup import diagnosis, lockfile, progress
from operation.setup.checkout import Checkout
from operation.setup.errors import SetupError
from operation.setup.indexes import installer_environment, pip_settings


class InstallFailed(Exception):
    """uv could not do it; pip may."""


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

    def sync(self) -> None:
        """Make the environment hold exactly what the lock says, byte-compiled, by uv.

        Raises
        ------
        InstallFailed
            uv cannot be had or does not succeed.
        SetupError
            pip would not succeed either.
        """
        self._read_settings()
        self._get_uv()
        progress.say("  installing and byte-compiling the packages with uv")
        command = [str(self.checkout.uv), "pip", "sync", "--require-hashes", "--compile-bytecode"]
        outcome = self._run([*command, "--python", str(self.checkout.python), str(self.checkout.lock)])
        if outcome.code:
            raise self._uv_failed("uv could not install the packages", outcome.output)

    def install_with_pip(self) -> None:
        """Install the lock by pip into an environment that holds nothing yet."""
        outcome = self._pip("--no-deps", "-r", str(self.checkout.lock))
        if outcome.code:
            raise self._failure(outcome.output)

    def _read_settings(self) -> None:
        has_pip = (self.checkout.python.parent / self.checkout.python.name.replace("python", "pip")).exists()
        self.settings = pip_settings(self.checkout.python if has_pip else Path(sys.executable))
        self.environment = installer_environment(self.settings)

    def _get_uv(self) -> None:
        text = lockfile.entry(self.checkout.lock, "uv")
        if text is None:
            raise InstallFailed("  requirements.lock does not hold uv")
        if self._uv_version() == lockfile.version(text):
            return
        progress.say("  fetching uv")
        outcome = self._pip_entry(text)
        if outcome.code and "No module named pip" in outcome.output:
            self._run([str(self.checkout.python), "-I", "-m", "ensurepip", "--default-pip"])
            outcome = self._pip_entry(text)
        if outcome.code:
            raise self._uv_failed("uv could not be fetched", outcome.output)

    def _pip_entry(self, text: str) -> progress.Outcome:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "uv.txt"
            file.write_text(text + "\n", encoding="utf-8")
            return self._pip("--no-deps", "--retries", "2", "-r", str(file))

    def _pip(self, *arguments: str) -> progress.Outcome:
        command = [str(self.checkout.python), "-I", "-m", "pip", "install", "--require-hashes"]
        return self._run([*command, "--progress-bar", "off", "--disable-pip-version-check", *arguments])

    def _run(self, command: list[str]) -> progress.Outcome:
        return progress.run(command, self.checkout.log, self.environment)

    def _uv_version(self) -> str:
        try:
            answer = subprocess.run([str(self.checkout.uv), "--version"], stdout=subprocess.PIPE, check=False)
        except OSError:
            return ""
        return [*answer.stdout.decode("utf-8", "replace").split(), "", ""][1]

    def _uv_failed(self, what: str, output: str) -> Exception:
        """Return the end of it where pip would fail for the same reason, else the reason to try pip."""
        last = diagnosis.failure(output, self.settings, self.checkout.log, self.checkout.venv)
        if diagnosis.FULL.search(output):
            return last
        if "fetched" in what and diagnosis.UNREACHABLE.search(output):
            return last
        return InstallFailed(f"  {what}: {diagnosis.reason(output)}")

    def _failure(self, output: str) -> SetupError:
        return diagnosis.failure(output, self.settings, self.checkout.log, self.checkout.venv)
