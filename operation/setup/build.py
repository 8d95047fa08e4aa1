"""Make the environment ``.venv`` from the lock file, or bring it up to date."""

from __future__ import annotations

import errno
import importlib.util
import shutil
import sys
import time

from operation.setup import diagnosis, lockfile, registration, turn
from operation.setup.checkout import Checkout
from operation.setup.errors import NoSpace, SetupError
from operation.setup.install import Installer
from operation.setup.progress import say


def make(checkout: Checkout) -> None:
    """Leave a complete environment of the lock file in ``.venv``, whatever is there now.

    Raises
    ------
    SetupError
        With one message: what is missing and how to mend it.
    """
    if not checkout.lock.is_file():
        raise SetupError(f"{checkout.lock} is missing: restore it with `git checkout requirements.lock`.")
    try:
        with turn.taken(checkout.root / "runs" / ".set-up.lock", _Waiting()):
            if not checkout.ready():
                _make(checkout)
    except OSError as error:
        raise SetupError(
            f"the environment cannot be written: {error}. Look at the permissions of {checkout.root}, "
            "and close the programs that use .venv."
        ) from error


def _make(checkout: Checkout) -> None:
    begin = time.monotonic()
    checkout.log.write_text("", encoding="utf-8")
    try:
        made = _updated(checkout) if _updatable(checkout) else _created(checkout)
        registration.ensure(checkout)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise diagnosis.no_space(checkout.venv) from error
        raise
    checkout.write_stamp(checkout.complete_stamp())
    say(f"{made} in {time.monotonic() - begin:.0f} s.")


def _updatable(checkout: Checkout) -> bool:
    """Return whether the environment is whole and at its place, only of another lock.

    One without a stamp was made by a person: it is theirs, and is not thrown away.
    """
    if not checkout.python.is_file():
        return False
    stamp = checkout.stamp()
    if stamp is None:
        _check_version(checkout)
        return True
    return stamp.get("state") == "complete" and stamp.get("venv") == checkout.complete_stamp()["venv"]


def _updated(checkout: Checkout) -> str:
    before, packages = checkout.stamp(), _installed(checkout)
    say(f"{'requirements.lock has changed: b' if before else 'B'}ringing .venv up to date.")
    _begin(checkout)
    try:
        Installer(checkout).fill()
    except SetupError:
        if _installed(checkout) == packages:  # all are fetched before any is replaced
            checkout.write_stamp(before)
        raise
    return "Up to date"


def _installed(checkout: Checkout) -> dict[str, int]:
    """Return the record of each package and when it was written, but for the installer's own."""
    folder = registration.packages(checkout)
    records = folder.glob("*.dist-info/RECORD") if folder else ()
    return {
        record.parent.name: record.stat().st_mtime_ns
        for record in records
        if not record.parent.name.startswith("uv-")
    }


def _created(checkout: Checkout) -> str:
    _check_python()
    _announce(checkout)
    _remove(checkout)
    _check_space(checkout)
    _begin(checkout)
    installer = Installer(checkout)
    installer.create()
    installer.fill()
    return "Set up"


def _begin(checkout: Checkout) -> None:
    """Mark the environment as not finished, before anything in it changes."""
    checkout.venv.mkdir(exist_ok=True)
    checkout.write_stamp({"state": "incomplete"})


def _announce(checkout: Checkout) -> None:
    count, size = len(lockfile.entries(checkout.lock)), lockfile.size_in_megabytes(checkout.lock)
    again = " (an earlier set-up did not finish)" if checkout.stamp() else ""
    say(
        f"Setting up, once{again}: {count} packages of requirements.lock, about {size:,} MB on disk, "
        f"go into {checkout.venv}"
    )


def _check_version(checkout: Checkout) -> None:
    version = checkout.python_version()
    if version and not version.startswith("3.11."):
        raise SetupError(
            f"{checkout.venv} was made with Python {version} and the workbench needs 3.11: "
            "remove the folder, and the same command makes a new one."
        )


def _check_python() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        version = "{}.{}".format(*sys.version_info[:2])
        raise SetupError(
            f"this Python ({sys.executable}) comes without ensurepip, which makes virtual environments. "
            f"On Debian and Ubuntu: sudo apt install python{version}-venv; then run the same command again."
        )


def _check_space(checkout: Checkout) -> None:
    wanted = lockfile.size_in_megabytes(checkout.lock)
    free = shutil.disk_usage(str(checkout.root)).free // 1_000_000
    if free < wanted:
        raise NoSpace(
            f"the environment takes about {wanted:,} MB and {checkout.root} has {free:,} MB free: "
            "free some space, or clone to a larger disk."
        )


def _remove(checkout: Checkout) -> None:
    if checkout.venv.is_symlink() or checkout.venv.is_file():
        checkout.venv.unlink()
    elif checkout.venv.exists():
        say("  removing what is there of .venv")
        shutil.rmtree(str(checkout.venv))


class _Waiting:
    """Says that another set-up is at work, once, and then now and then that it still is."""

    def __init__(self) -> None:
        self.said = -1.0

    def __call__(self, seconds: float) -> None:
        if self.said < 0:
            say("Another process is setting up this folder; waiting for it.")
        elif seconds - self.said >= 2:
            say(f"  ... {seconds:.0f} s")
        else:
            return
        self.said = seconds
