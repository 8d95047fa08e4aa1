"""The environment that a person has activated: a conda environment, or whatever runs on demand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from operation.setup.checkout import Checkout
from operation.setup.errors import SetupError
from operation.setup.pins import read_pins

CHOICE = "WORKBENCH_PYTHON"


def chosen(checkout: Checkout, prefix: str = sys.prefix) -> bool:
    """Return whether this Python is used as it is, after a look at its packages.

    So it is in an activated conda environment other than conda's base, and wherever
    WORKBENCH_PYTHON=current is set; WORKBENCH_PYTHON=venv asks for .venv in any case.

    Raises
    ------
    SetupError
        WORKBENCH_PYTHON has another value, or packages differ from environment.yml.
    """
    choice = os.environ.get(CHOICE, "")
    if choice not in ("", "current", "venv"):
        raise SetupError(f"{CHOICE} is '{choice}': set it to 'current' or 'venv', or leave it unset.")
    if choice == "venv" or (not choice and not _conda_environment(Path(prefix))):
        return False
    found = differences(checkout.root / "environment.yml")
    if found:
        raise SetupError(_message(found, prefix))
    return True


def differences(environment: Path) -> list[str]:
    """Return what differs between this Python and the pins of `environment`, a line each."""
    found = []
    for name, wanted in read_pins(environment).items():
        have = _version(name)
        same = have.startswith(wanted + ".") if name == "python" else have == wanted
        if not same:
            found.append(f"{name} is {have or 'missing'}, environment.yml says {wanted}")
    return found


def _conda_environment(prefix: Path) -> bool:
    base = (prefix / "condabin").is_dir()  # everyone's base: nothing of a project belongs there
    return (prefix / "conda-meta").is_dir() and not base


def _version(name: str) -> str:
    if name == "python":
        return ".".join(map(str, sys.version_info[:3]))
    from importlib import metadata  # 16 ms that only those pay who use their own environment

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _message(found: list[str], prefix: str) -> str:
    return (
        "\n  ".join([f"this Python ({prefix}) does not hold what environment.yml pins:", *found])
        + "\nMend it with `conda env update --file environment.yml --prune`, "
        f"or set {CHOICE}=venv to have .venv made and used instead."
    )
