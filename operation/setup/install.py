"""Fill ``.venv`` with what the lock file says: pip fetches uv, uv installs everything else."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from operation.setup.environment import Environment
from operation.setup.indexes import (
    hide_credentials,
    index_of,
    installer_environment,
    pip_settings,
    uv_options,
)
from operation.setup.lockfile import Entry, closure, entries, read_groups
from operation.setup.python_version import WANTED, SetupError

INCOMPLETE = {"state": "incomplete"}
SILENCE = 2.0  # seconds between two signs of life
MEGABYTES = 30, 5  # of Python, and of a package: measured, 183 packages, byte-compiled, take 815 MB
NO_SPACE = (
    "no space is left on the disk of {folder} (or of the folder for temporary files). "
    "Free some, then rerun: it starts over."
)
FAILURES = {  # what an installer prints -> what it means and how to fix it
    r"No space left on device|os error 28|Errno 28|not enough space on the disk|os error 112": NO_SPACE,
    r"DO NOT MATCH THE HASHES|Hash mismatch": "an index offered a file whose content is not what "
    "requirements.lock pins, and it was not installed. Ask whoever runs the index ({index}). {log}",
    r"connection broken|NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|"
    r"error sending request|dns error|tcp connect|Connection refused|timed out|CERTIFICATE_VERIFY_FAILED|"
    r"invalid peer certificate|SSLError|network (?:is )?unreachable|connectivity is disabled": "no package "
    "index can be reached ({index}): {line}\nCheck `pip config list`, PIP_INDEX_URL and, behind a proxy, "
    "HTTPS_PROXY and PIP_CERT, then rerun. {log}",
    r"No matching distribution found for|No solution found|not found in the package registry": "the package "
    "index ({index}) lacks what requirements.lock pins: {line}\nCheck `pip config list` and PIP_INDEX_URL. "
    "{log}",
    r"": "the packages could not be installed. {log} It ends with:\n  {tail}",
}


def install(environment: Environment, groups: Iterable[str], command: str) -> None:
    """Make the environment hold what the lock says, with the `groups` of `command` and those that it has.

    Raises
    ------
    SetupError
        With one message: what is missing and how to fix it.
    """
    if not environment.lock.is_file():
        raise SetupError(f"{environment.lock} is missing: restore it with `git checkout requirements.lock`.")
    try:
        with _locked(environment.root / "runs" / ".set-up.lock"):
            if not environment.holds(groups):
                _Installer(environment, groups).install(command)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SetupError(NO_SPACE.format(folder=environment.folder)) from error
        raise SetupError(
            f"the environment cannot be written: {error}. Check the permissions of {environment.root}, "
            "and close the programs that use .venv."
        ) from error


def say(text: str) -> None:
    """Print a line for the person who waits; standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


class _Installer:
    def __init__(self, environment: Environment, groups: Iterable[str]) -> None:
        self.environment, self.before = environment, environment.stamp()
        self.groups = sorted({*groups, *self.before.get("groups", ())})
        self.added = [group for group in self.groups if group not in self.before.get("groups", ())]
        self.packages = self._packages()
        self.megabytes = MEGABYTES[0] + MEGABYTES[1] * len(self.packages)
        self.settings = pip_settings(Path(sys.executable))
        self.log = environment.root / "runs" / "set-up.log"
        self.log.write_text("", encoding="utf-8")

    def install(self, command: str) -> None:
        """Create or complete the environment, and record it."""
        begin = time.monotonic()
        if self._is_usable():
            _check_version(self.environment)
            say(self._update_reason(command))
        else:
            self._create()
        try:
            self._fill()
        except SetupError as error:
            # all is fetched before anything is replaced: what was complete still is
            self.environment.write_stamp(self.before)
            if self.before.get("state") != "complete" or not self.added:
                raise
            options = " ".join(f"--group {group}" for group in self.added)
            fix = f"With a network, `python3 -m operation setup {options}` fetches them."
            raise SetupError(f"{error}\n{fix}") from error
        self.environment.write_stamp(self.environment.complete_stamp(self.groups))
        say(f"Done in {time.monotonic() - begin:.0f} s.")

    def _packages(self) -> list[Entry]:
        """Return the locked packages of what everything needs and of the groups."""
        locked = entries(self.environment.lock)
        optional = read_groups(self.environment.root / "pyproject.toml")
        left_out = {name for group, names in optional.items() if group not in self.groups for name in names}
        return closure(locked, {entry.name for entry in locked if entry.is_direct} - left_out)

    def _is_usable(self) -> bool:
        """Return whether the environment is whole, where it was made, and only of another lock."""
        folder = os.path.realpath(str(self.environment.folder))
        is_whole = self.before.get("state") != "incomplete" and self.environment.python.is_file()
        return is_whole and self.before.get("place", folder) == folder

    def _update_reason(self, command: str) -> str:
        if self.before.get("lock") == self.environment.lock_digest() and self.added:
            return f"`{command}` needs packages of the group {' and '.join(self.added)}, added once."
        changed = "requirements.lock or pyproject.toml changed: updating .venv."
        return changed if self.before else "Completing .venv."

    def _create(self) -> None:
        folder, again = self.environment.folder, " (an earlier set-up did not finish)" if self.before else ""
        say(
            f"Setting up, once{again}: {len(self.packages)} packages of requirements.lock, about "
            f"{self.megabytes:,} MB on disk, go into {folder}"
        )
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        shutil.rmtree(str(folder), ignore_errors=True)
        free = shutil.disk_usage(str(self.environment.root)).free // 1_000_000
        if free < self.megabytes:
            raise SetupError(
                f"the environment takes about {self.megabytes:,} MB and {self.environment.root} has {free:,} "
                "MB free. Free some space, or clone to a larger disk."
            )
        folder.mkdir()
        self.environment.write_stamp(INCOMPLETE)
        say("  making the virtual environment")
        self._run(sys.executable, "-I", "-m", "venv", str(folder))

    def _fill(self) -> None:
        self._get_uv()
        self.environment.write_stamp(INCOMPLETE)
        say("  installing and byte-compiling the packages")
        with _requirements(self.packages) as file:
            self._uv("sync", "--require-hashes", "--compile-bytecode", file)
        self._uv("install", "--no-deps", "--no-build-isolation", "--editable", str(self.environment.root))

    def _get_uv(self) -> None:
        """Have the uv of the lock, fetched by pip: its hash is checked as every other package's."""
        uv = next((entry for entry in self.packages if entry.name == "uv"), None)
        if uv is None:
            raise SetupError("requirements.lock does not hold uv, which installs the rest: add it.")
        if uv.version in _output(str(self.environment.program("uv")), "--version").split():
            return
        say("  fetching uv")
        pip = [str(self.environment.python), "-I", "-m", "pip"]
        if not _output(*pip, "--version"):
            self._run(str(self.environment.python), "-I", "-m", "ensurepip", "--default-pip")
        with _requirements([uv]) as file:
            self._run(*pip, "install", "--require-hashes", "--no-deps", "--retries", "2", "-r", file)

    def _uv(self, command: str, *words: str) -> None:
        uv = [str(self.environment.program("uv")), "pip", command, *uv_options(self.settings)]
        self._run(*uv, "--python", str(self.environment.python), *words)

    def _run(self, *command: str) -> None:
        """Run an installer with its output in the log."""
        begin = self.log.stat().st_size
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                env=installer_environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                close_fds=False,  # the lock is passed on: see `_locked`
            )
            try:
                _wait(lambda: process.poll() is not None)
            except BaseException:  # interrupted: the installer does not outlive us
                process.kill()
                process.wait()
                raise
        if process.returncode:
            raise self._failure(self.log.read_bytes()[begin:].decode("utf-8", "replace"))

    def _failure(self, output: str) -> SetupError:
        """Return the sentence that names what to look at."""
        lines = [line.strip() for line in hide_credentials(output).splitlines() if line.strip()]
        pattern = next(pattern for pattern in FAILURES if re.search(pattern, output, re.I))
        return SetupError(
            FAILURES[pattern].format(
                folder=self.environment.folder,
                index=index_of(self.settings),
                line=next((line for line in lines if re.search(pattern, line, re.I)), "")[:300],
                log=f"The installer's output is in {self.log}.",
                tail="\n  ".join(lines[-15:]),
            )
        )


def _check_version(environment: Environment) -> None:
    """Refuse an environment of another Python: a person made it, and it is not thrown away."""
    text = (environment.folder / "pyvenv.cfg").read_text(encoding="utf-8")
    version = re.search(r"^version(?:_info)?\s*=\s*([\d.]+)", text, re.M)
    if version and tuple(map(int, version[1].split(".")[:2])) != WANTED:
        raise SetupError(
            f"{environment.folder} was made with Python {version[1]} and the workbench needs 3.11. "
            "Remove the folder, then rerun: a new one is made."
        )


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout
    except OSError:
        return ""


@contextmanager
def _requirements(packages: Sequence[Entry]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("".join(f"{entry.text}\n" for entry in packages), encoding="utf-8")
        yield str(file)


def _wait(is_over: Callable[[], bool]) -> None:
    """Wait, and say from time to time that there is something to wait for."""
    begin = last = time.monotonic()
    while not is_over():
        time.sleep(0.05)
        if time.monotonic() > last + SILENCE:
            last = time.monotonic()
            say(f"  ... {last - begin:.0f} s")


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Let one set-up work at a time: the operating system frees the lock when its last holder ends.

    Where we are killed, the installer that outlives us holds it to its end. A file system without locks
    does not keep two set-ups apart.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as handle:
        if not _try_lock(handle):
            say("Another process is setting up this folder; waiting for it.")
            _wait(lambda: _try_lock(handle))
        if os.name != "nt":
            os.set_inheritable(handle.fileno(), True)
        yield


def _try_lock(handle: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
