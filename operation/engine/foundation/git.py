"""What git knows of the checkout: its commit, what differs from it, which files it tracks."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

_NOTHING_THERE = ("not a git repository", "ambiguous argument 'HEAD'")  # the last: no commit yet


class GitRefused(Exception):
    """The folder is in a checkout, and git does not answer; ``str(error)`` says why and how to fix it."""


def commit(root: Path) -> dict[str, Any]:
    """Return the commit of the checkout and whether a clone of it would lack something of `root`.

    Both are None outside git, and where git refuses to answer: that is said on standard error, once.
    """
    try:
        head = _git(root, "rev-parse", "HEAD")
        status = _git(root, "status", "--porcelain") if head else None
    except GitRefused as error:
        _warn_once(f"warning: the commit is not recorded: {error}")
        return {"commit": None, "dirty": None}
    return {"commit": head or None, "dirty": None if status is None else bool(status)}


def tracked(root: Path, files: Sequence[str]) -> list[str]:
    """Return those of `files` that git tracks; none outside git.

    Raises
    ------
    GitRefused
        git is not installed, or does not trust the checkout.
    """
    return (_git(root, "ls-files", "--", *files) or "").split()


def files_of(root: Path, commit: str) -> dict[str, str] | None:
    """Return the files of a commit below `root` with the ids of their contents; None where it is unknown."""
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        return None
    try:
        listing = _git(root, "ls-tree", "-r", "-z", commit)
    except GitRefused:
        return None
    entries = (line.partition("\t") for line in (listing or "").split("\0") if line)
    return {name: facts.split()[-1] for facts, _, name in entries} if listing else None


def content_id(content: bytes, like: str) -> str:
    """Return the id that git gives to a file's content, by the digest that made the id `like`."""
    algorithm = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return algorithm(b"blob %d\0" % len(content) + content).hexdigest()


def _git(root: Path, *words: str) -> str | None:
    """Return what git prints, None where there is nothing to ask about."""
    command = ["git", "-C", str(root), *words]
    in_english = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, env=in_english, capture_output=True, text=True, check=False)
    except OSError as error:
        if _in_checkout(root):
            raise GitRefused("git is not installed. Install it, or put it on PATH.") from error
        return None
    if done.returncode == 0:
        return done.stdout.strip()
    if any(reason in done.stderr for reason in _NOTHING_THERE):
        return None
    if "dubious ownership" in done.stderr:
        fix = f"git config --global --add safe.directory {root}"
        raise GitRefused(f"git does not trust {root}, which another user owns. Trust it with: {fix}")
    raise GitRefused(f"git says: {done.stderr.strip()}")


@lru_cache(maxsize=8)
def _warn_once(message: str) -> None:
    print(message, file=sys.stderr)


def _in_checkout(root: Path) -> bool:
    return any((folder / ".git").exists() for folder in (root, *root.parents))
