"""What every Core Script shares: paths, errors, folders and metrics; light to import."""

from __future__ import annotations

import argparse
import difflib
import errno
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import azure
from support.errors import GateRejected, StepError

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
    "shown",
    "whole_digest",
    "write_json",
]


def input_path(value: str) -> Path:
    """Mark an argument as an input: a file or folder that the script reads."""
    return Path(value)


def output_path(value: str) -> Path:
    """Mark an argument as an output: a folder that the script creates."""
    return Path(value)


def whole_digest(value: str) -> str:
    """Read a SHA-256 that is given whole: a beginning of one proves little, an empty one nothing."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise argparse.ArgumentTypeError(f"expected a whole SHA-256, 64 hexadecimal digits, got {value!r}")
    return value.lower()


def run_script(main: Callable[[], None]) -> None:
    """Run `main`; a StepError becomes one message on stderr and an exit code."""
    try:
        main()
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest name in `known`, else an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all.

    Parameters
    ----------
    path : Path
        The folder to create. One that exists is replaced, if it holds nothing but files that the
        new one has too.

    Yields
    ------
    Path
        The folder to write into; it takes the name `path` when the block ends well.

    Raises
    ------
    StepError
        When the disk is full, the place cannot be written, or `path` holds foreign files.
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
    """Give `partial` the name `target`, after making sure that nothing foreign is lost."""
    if target.is_dir():
        foreign = sorted(
            {entry.name for entry in target.iterdir()} - {entry.name for entry in partial.iterdir()}
        )
        if foreign:
            found = f"{target} holds {foreign[0]!r}, which this step does not write"
            raise StepError(f"{found}: name another folder, or remove it")
        shutil.rmtree(target)
    partial.replace(target)


def _write_error(target: Path, error: OSError) -> StepError:
    """Return what a person can do about an output that could not be written."""
    if error.errno == errno.ENOSPC:
        return StepError(f"no space left for {target}: free some, or name a folder on another disk")
    return StepError(f"cannot write {target}: {error.strerror or error}")


def write_json(value: object, file: Path) -> None:
    """Write `value` as JSON, keys sorted, one line a value, so that equal values give equal bytes."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(file: Path) -> Any:
    """Read JSON, or say which file is missing or broken."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StepError(f"cannot read {file}: {error.strerror}; run the step that writes it") from error
    except ValueError as error:
        raise StepError(f"{file} is not JSON: {error}; run the step that writes it again") from error


def log_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Add `metrics` to ``folder/metrics.json``, and to the Azure ML run when there is one.

    Raises
    ------
    StepError
        When a value is not a finite number: only finite numbers are metrics.
    """
    file = folder / "metrics.json"
    known: dict[str, float] = read_json(file) if file.exists() else {}
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise StepError(f"metric {name} is {value}: only finite numbers are metrics")
        known[name] = float(value)
    write_json(known, file)
    run = os.environ.get("AZUREML_RUN_ID")
    if run:
        azure.ask(
            lambda: [azure.run().log(name, float(value)) for name, value in metrics.items()], f"run {run}"
        )


def shown(value: object) -> str:
    """Return a value as a message shows it: text in quotation marks, anything else bare."""
    return repr(value) if isinstance(value, str) else str(value)


def listing(values: Sequence[object], most: int = 5) -> str:
    """Return the first `most` values, separated by commas, and how many were left off."""
    shown = ", ".join(str(value) for value in values[:most])
    return f"{shown} and {len(values) - most} more" if len(values) > most else shown
