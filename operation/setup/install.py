"""Fill ``.venv`` with what the lock file says: pip fetches uv, uv installs everything else."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from operation.setup.environment import Environment
from operation.setup.indexes import hidden, index_of, installer_environment, pip_settings, uv_options
from operation.setup.lockfile import Entry, closure, entries, read_groups, size_in_megabytes
from operation.setup.python_version import WANTED, SetupError

INCOMPLETE = {"state": "incomplete"}
SILENCE = 2.0  # seconds without a word that a person bears
REASONS = {
    "full": r"No space left on device|os error 28|Errno 28|not enough space on the disk|os error 112",
    "hash": r"DO NOT MATCH THE HASHES|Hash mismatch",
    "offline": r"connection broken|NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|"
    r"ProxyError|error sending request|dns error|tcp connect|Connection refused|timed out|"
    r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|SSLError|network (?:is )?unreachable|"
    r"connectivity is disabled",
    "missing": r"No matching distribution found for|No solution found|not found in the package registry",
}


def install(environment: Environment, groups: Iterable[str] = (), command: str = "this command") -> None:
    """Make the environment hold what the lock says, with the `groups` of `command` and those that it has.

    Raises
    ------
    SetupError
        With one message: what is missing and how to fix it.
    """
    if not environment.lock.is_file():
        raise SetupError(f"{environment.lock} is missing: restore it with `git checkout requirements.lock`.")
    try:
        with _alone(environment.root / "runs" / ".set-up.lock"):
            if not environment.holds(groups):
                _Installer(environment, groups, command).install()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _no_space(environment) from error
        raise SetupError(
            f"the environment cannot be written: {error}. Look at the permissions of {environment.root}, "
            "and close the programs that use .venv."
        ) from error


def say(text: str) -> None:
    """Print a line for the person who waits; standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


class _Installer:
    def __init__(self, environment: Environment, groups: Iterable[str], command: str) -> None:
        self.environment, self.command = environment, command
        self.log = environment.root / "runs" / "set-up.log"
        self.before = environment.stamp()
        self.added = sorted({*groups} - {*self.before.get("groups", ())})
        self.groups = sorted({*self.added, *self.before.get("groups", ())})
        self.settings = pip_settings(Path(sys.executable))
        self.variables = installer_environment(self.settings)

    def install(self) -> None:
        """Create or complete the environment, and record it."""
        begin, packages = time.monotonic(), self._packages()
        self.log.write_text("", encoding="utf-8")
        if self._is_usable():
            _check_version(self.environment)
            self._announce(packages)
        else:
            self._announce(packages)
            self._create(packages)
        try:
            self._fill(packages)
        except SetupError as error:
            # all is fetched before anything is replaced: what was complete still is
            self.environment.write_stamp(self.before)
            if self.before.get("state") != "complete" or not self.added:
                raise
            words = " ".join(f"--group {group}" for group in self.added)
            fetched = f"With a network, `python3 -m operation setup {words}` fetches them."
            raise SetupError(f"{error}\n{fetched}") from error
        self.environment.write_stamp(self.environment.complete_stamp(self.groups))
        say(f"Done in {time.monotonic() - begin:.0f} s.")

    def _is_usable(self) -> bool:
        """Return whether the environment is whole, at its place, and only of another lock or a person's."""
        place = self.before.get("place", os.path.realpath(str(self.environment.folder)))
        is_here = place == os.path.realpath(str(self.environment.folder))
        return is_here and self.before.get("state") != "incomplete" and self.environment.python.is_file()

    def _fill(self, packages: Sequence[Entry]) -> None:
        self._get_uv(packages)
        self.environment.write_stamp(INCOMPLETE)
        say("  installing and byte-compiling the packages")
        with self._requirements(packages) as file:
            self._uv("sync", "--require-hashes", "--compile-bytecode", file)
        root = str(self.environment.root)
        self._uv("install", "--no-deps", "--no-build-isolation", "--editable", root)

    def _packages(self) -> list[Entry]:
        """Return the locked packages of what everything needs and of the groups."""
        locked = entries(self.environment.lock)
        optional = read_groups(self.environment.root / "pyproject.toml")
        left_out = {name for group, names in optional.items() if group not in self.groups for name in names}
        return closure(locked, {entry.name for entry in locked if entry.is_direct} - left_out)

    def _announce(self, packages: Sequence[Entry]) -> None:
        if self.before.get("lock") == self.environment.lock_digest() and self.added:
            names = " and ".join(self.added)
            say(f"`{self.command}` needs packages of the group {names}, which are added once.")
        elif self._is_usable():
            changed = "requirements.lock or pyproject.toml changed: updating .venv."
            say(changed if self.before else "Completing .venv.")
        else:
            again = " (an earlier set-up did not finish)" if self.before else ""
            size = size_in_megabytes(len(packages))
            say(
                f"Setting up, once{again}: {len(packages)} packages of requirements.lock, about {size:,} MB "
                f"on disk, go into {self.environment.folder}"
            )

    def _create(self, packages: Sequence[Entry]) -> None:
        folder, wanted = self.environment.folder, size_in_megabytes(len(packages))
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        shutil.rmtree(str(folder), ignore_errors=True)
        free = shutil.disk_usage(str(self.environment.root)).free // 1_000_000
        if free < wanted:
            raise SetupError(
                f"the environment takes about {wanted:,} MB and {self.environment.root} has {free:,} MB "
                "free: free some space, or clone to a larger disk."
            )
        folder.mkdir()
        self.environment.write_stamp(INCOMPLETE)
        say("  making the virtual environment")
        self._run([sys.executable, "-I", "-m", "venv", str(folder)])

    def _get_uv(self, packages: Sequence[Entry]) -> None:
        """Have the uv of the lock, fetched by pip: its hash is checked as every other package's."""
        uv = next((entry for entry in packages if entry.name == "uv"), None)
        if uv is None:
            raise SetupError("requirements.lock does not hold uv, which installs the rest: add it.")
        program = self.environment.program("uv")
        if program.is_file() and uv.version in _output([str(program), "--version"]).split():
            return
        say("  fetching uv")
        pip = [str(self.environment.python), "-I", "-m", "pip", "install", "--require-hashes", "--no-deps"]
        if "pip" not in _output([*pip[:4], "--version"]):
            self._run([str(self.environment.python), "-I", "-m", "ensurepip", "--default-pip"])
        with self._requirements([uv]) as file:
            self._run([*pip, "--retries", "2", "-r", file])

    @contextmanager
    def _requirements(self, packages: Sequence[Entry]) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "requirements.txt"
            file.write_text("".join(f"{entry.text}\n" for entry in packages), encoding="utf-8")
            yield str(file)

    def _uv(self, command: str, *words: str) -> None:
        uv = [str(self.environment.program("uv")), "pip", command, *uv_options(self.settings)]
        self._run([*uv, "--python", str(self.environment.python), *words])

    def _run(self, command: Sequence[str]) -> None:
        """Run an installer, its output in the log; a line every two seconds says that it is at work."""
        begin = self.log.stat().st_size
        with self.log.open("ab") as log, _heartbeat():
            process = subprocess.Popen(
                list(command),
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                close_fds=False,  # the lock is passed on: see `_alone`
            )
            try:
                code = process.wait()
            except BaseException:  # interrupted: the installer does not outlive us
                process.kill()
                process.wait()
                raise
        if code:
            output = self.log.read_bytes()[begin:].decode("utf-8", "replace")
            raise self._failure(output)

    def _failure(self, output: str) -> SetupError:
        """Return the sentence that names what to look at."""
        found = {name: line for name, pattern in REASONS.items() if (line := _first(pattern, output))}
        index, where = index_of(self.settings), f"The installer's output is in {self.log}."
        if "full" in found:
            return _no_space(self.environment)
        if "hash" in found:
            return SetupError(
                "an index offered a file whose content is not what requirements.lock pins, and it was not "
                f"installed. Ask whoever runs the index ({index}). {where}"
            )
        if "offline" in found:
            return SetupError(
                f"no package index can be reached ({index}): {found['offline']}\n"
                "Look at `pip config list`, PIP_INDEX_URL and, behind a proxy, HTTPS_PROXY and PIP_CERT; "
                f"then run the same command again. {where}"
            )
        if "missing" in found:
            return SetupError(
                f"the package index ({index}) lacks what requirements.lock pins: {found['missing']}\n"
                f"Look at `pip config list` and PIP_INDEX_URL. {where}"
            )
        tail = "\n  ".join(hidden(output).strip().splitlines()[-15:])
        return SetupError(f"the packages could not be installed. {where} It ends with:\n  {tail}")


def _check_version(environment: Environment) -> None:
    """Refuse an environment of another Python: a person made it, and it is not thrown away."""
    text = (environment.folder / "pyvenv.cfg").read_text(encoding="utf-8")
    version = re.search(r"^version(?:_info)?\s*=\s*([\d.]+)", text, re.M)
    if version and tuple(map(int, version[1].split(".")[:2])) != WANTED:
        raise SetupError(
            f"{environment.folder} was made with Python {version[1]} and the workbench needs 3.11: "
            "remove the folder, and the same command makes a new one."
        )


def _first(pattern: str, output: str) -> str:
    lines = (line.strip() for line in output.splitlines() if re.search(pattern, line, re.I))
    return hidden(next(lines, ""))[:300]


def _no_space(environment: Environment) -> SetupError:
    return SetupError(
        f"no space is left on the disk of {environment.folder} (or of the folder for temporary files). "
        "Free some and run the same command again: it starts over."
    )


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(list(command), capture_output=True, encoding="utf-8", check=False).stdout
    except OSError:
        return ""


@contextmanager
def _heartbeat() -> Iterator[None]:
    over, begin = threading.Event(), time.monotonic()

    def beat() -> None:
        while not over.wait(SILENCE):
            say(f"  ... {time.monotonic() - begin:.0f} s")

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One set-up at a time: the operating system frees the lock when its last holder ends.

    Where we are killed, the installer that outlives us holds it to its end. A file system without locks
    does not keep two set-ups apart.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as handle:
        if not _try_lock(handle):
            say("Another process is setting up this folder; waiting for it.")
            with _heartbeat():
                while not _try_lock(handle):
                    time.sleep(0.2)
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
