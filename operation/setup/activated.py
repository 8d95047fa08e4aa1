"""Whether a person activated an environment of their own, which is used as it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from operation.setup.lockfile import read_pins
from operation.setup.python_version import SetupError

CHOICE = "WORKBENCH_PYTHON"


def is_activated(root: Path, prefix: str = sys.prefix) -> bool:
    """Return whether this Python is used as it is, after a look at its packages.

    So it is in an activated conda environment other than conda's base, and wherever
    WORKBENCH_PYTHON=current is set; WORKBENCH_PYTHON=venv asks for .venv in any case.

    Raises
    ------
    SetupError
        WORKBENCH_PYTHON has another value, or packages differ from environment.yml.
    """
    choice, conda = os.environ.get(CHOICE, ""), Path(prefix)
    if choice not in ("", "current", "venv"):
        raise SetupError(f"{CHOICE} is '{choice}'. Set it to 'current' or 'venv', or leave it unset.")
    is_conda = (conda / "conda-meta").is_dir() and not (conda / "condabin").is_dir()  # not everyone's base
    if choice == "venv" or (not choice and not is_conda):
        return False
    problems = list(_differences(read_pins(root / "environment.yml")))
    if problems:
        listed = "\n  ".join([f"this Python ({prefix}) does not hold what environment.yml pins:", *problems])
        raise SetupError(
            f"{listed}\nFix it with `conda env update --file environment.yml --prune`, "
            f"or set {CHOICE}=venv to have .venv made and used instead."
        )
    return True


def _differences(pins: dict[str, str]) -> Iterator[str]:
    from importlib import metadata  # 16 ms that only those pay who use their own environment

    for name, pin in pins.items():
        if name != "python":  # it is the right one: this module was imported
            try:
                version = metadata.version(name)
            except metadata.PackageNotFoundError:
                version = "missing"
            if version != pin:
                yield f"{name} is {version}, environment.yml says {pin}"
