"""What every Core Script uses: paths, errors, output folders, metrics and plots; light to import."""

from __future__ import annotations

import argparse
import difflib
import errno
import io
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import azure
from support.errors import GateRejected, StepError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "GateRejected",
    "StepError",
    "input_path",
    "listing",
    "log_metrics",
    "nearest",
    "new_folder",
    "output_path",
    "read_json",
    "run_script",
    "show",
    "whole_digest",
    "write_json",
    "write_plots",
]


def input_path(value: str) -> Path:
    """Mark an argument as an input: a file or folder that the script reads."""
    return Path(value)


def output_path(value: str) -> Path:
    """Mark an argument as an output: a folder that the script creates."""
    return Path(value)


def whole_digest(value: str) -> str:
    """Read a whole SHA-256: a prefix of one proves little, an empty one nothing."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise argparse.ArgumentTypeError(f"expected a whole SHA-256, 64 hexadecimal digits, got {value!r}")
    return value.lower()


def run_script(main: Callable[[], None]) -> None:
    """Run `main`; a StepError becomes one message on stderr and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack letters of a column's name
    try:
        main()
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def out_of_range(name: str, value: object, valid: str) -> StepError:
    """Return the error of an argument, named as argparse holds it, whose value is not one of `valid`."""
    return StepError(f"--{name.replace('_', '-')}: {value} is out of range: give {valid}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest name in `known`, else an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Create a folder whole or not at all.

    Parameters
    ----------
    path : Path
        The folder to create. An existing one is replaced if it holds no files that the new one lacks.

    Yields
    ------
    Path
        The folder to write into, renamed to `path` when the block succeeds.

    Raises
    ------
    StepError
        When the disk is full, `path` cannot be written, or it holds foreign files.
    """
    target = Path(path).absolute()
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        _replace(target, partial)
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace(target: Path, partial: Path) -> None:
    """Rename `partial` to `target`, unless foreign files would be lost."""
    if target.is_dir():
        foreign = {entry.name for entry in target.iterdir()} - {entry.name for entry in partial.iterdir()}
        if foreign:
            raise StepError(
                f"{target} holds {min(foreign)!r}, which this step does not write: "
                "name another folder, or remove it"
            )
        shutil.rmtree(target)
    partial.replace(target)


def _write_error(target: Path, error: OSError) -> StepError:
    """Return the error for an output that could not be written."""
    if error.errno == errno.ENOSPC:
        return StepError(
            f"no space left to write {target}: free disk space, or name a folder on another disk"
        )
    return StepError(f"cannot write {target}: {error.strerror or error}")


def write_json(value: object, file: Path) -> None:
    """Write `value` as JSON with sorted keys, so that equal values give equal bytes."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(file: Path) -> Any:
    """Read JSON, or say which file is missing or broken."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StepError(f"cannot read {file}: {error.strerror}; rerun the step that writes it") from error
    except ValueError as error:
        raise StepError(f"{file} is not JSON: {error}; rerun the step that writes it") from error


def log_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Add `metrics` to ``folder/metrics.json``, and to the Azure ML run when there is one.

    Raises
    ------
    StepError
        When a value is not a finite number.
    """
    file = folder / "metrics.json"
    known: dict[str, float] = read_json(file) if file.exists() else {}
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise StepError(f"metric {name} is {value}: it must be a finite number")
        known[name] = float(value)
    write_json(known, file)
    run = os.environ.get("AZUREML_RUN_ID")
    if run:
        azure.ask(
            lambda: [azure.run().log(name, float(value)) for name, value in metrics.items()], f"run {run}"
        )


def write_plots(plots: Mapping[str, Figure], folder: Path) -> None:
    """Write each plot as ``<name>.png``, without metadata, which would hold a clock or a version."""
    for name, figure in plots.items():
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})


def show(value: object) -> str:
    """Return a value for a message: text in quotation marks, anything else bare."""
    return repr(value) if isinstance(value, str) else str(value)


def listing(values: Sequence[object], most: int = 5) -> str:
    """Return the first `most` values, separated by commas, and how many more there are."""
    text = ", ".join(str(value) for value in values[:most])
    return f"{text} and {len(values) - most} more" if len(values) > most else text
