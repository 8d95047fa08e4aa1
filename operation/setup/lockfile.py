"""The lock file as text: its entries, before any package can parse it."""

from __future__ import annotations

from pathlib import Path

from operation.setup.pins import normalised

MEGABYTES_A_PACKAGE = 6  # measured: 190 packages, byte-compiled, take 1.2 GB
MEGABYTES_OF_PYTHON = 30


def entries(lock: Path) -> list[str]:
    """Return the entries of `lock`: requirement, marker and hashes, each as it stands."""
    found: list[str] = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and found:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def entry(lock: Path, name: str) -> str | None:
    """Return the entry of package `name`, None when the lock has none."""
    return next((text for text in entries(lock) if _name(text) == name), None)


def version(text: str) -> str:
    """Return the version of an entry."""
    return text.split("==", 1)[1].split(maxsplit=1)[0]


def versions(lock: Path) -> dict[str, set[str]]:
    """Return package name -> versions that `lock` holds; several where markers tell them apart."""
    found: dict[str, set[str]] = {}
    for text in entries(lock):
        if "==" in text.split("\n")[0]:
            found.setdefault(_name(text), set()).add(version(text))
    return found


def size_in_megabytes(lock: Path) -> int:
    """Return about how much disk the environment of `lock` takes."""
    return MEGABYTES_OF_PYTHON + MEGABYTES_A_PACKAGE * len(entries(lock))


def _name(text: str) -> str:
    return normalised(text.split("==", 1)[0].partition("[")[0].strip())
