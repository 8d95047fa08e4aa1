"""Files of scored rows: lines of JSON become Parquet, and together they are one table."""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `compact_elsewhere` starts this by its path

from scoring.scored_form import FEATURE, INPUT, OUTPUT
from scoring.scored_log import CLOSED, OPEN, Limits
from support import step
from tabular import tables

PARQUET, UNREADABLE = ".parquet", ".unreadable"
NAME_A_LOG = "name the log of a service or of batch_score"
LOG = logging.getLogger("score")
ABANDONED = 2 * Limits().most_seconds  # age at which a live process would have closed an open file


def read(folder: Path) -> pd.DataFrame:
    """Return all scored rows of a log in their order; see `read_counted`."""
    table, unreadable = read_counted(folder)
    if unreadable:
        LOG.warning("%s: %d unreadable records were skipped", folder, unreadable)
    return table


def read_counted(folder: Path) -> tuple[pd.DataFrame, int]:
    """Return all scored rows of a log, and the number of unreadable records.

    Parameters
    ----------
    folder : Path
        The log of a service or of batch_score.

    Returns
    -------
    table : DataFrame of shape (scored rows, columns)
        In the form that `scored_form` describes, in the order of scoring.
    unreadable : int
        Records that are skipped.

    Raises
    ------
    StepError
        When there are no scored rows.
    """
    while True:
        try:
            parts = [_read(file) for file in _files(folder)]
            break
        except FileNotFoundError:
            continue  # a file was renamed meanwhile: start over
    unreadable = sum(len(lines) for _, lines in parts)
    filled = [part for part, _ in parts if not part.empty]
    if not filled:
        skipped = f" ({unreadable} unreadable records)" if unreadable else ""
        raise step.StepError(f"{folder} holds no scored rows{skipped}: {NAME_A_LOG}")
    table = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0]
    return table.sort_values(["time", "request_id", "row"], kind="stable", ignore_index=True), unreadable


def compact(folder: Path) -> list[Path]:
    """Convert closed files, and abandoned open ones, to Parquet; return the Parquet files.

    Unreadable records are moved to a file beside it.
    """
    converted = []
    for file in sorted(folder.glob(f"*{CLOSED}")):
        stem = file.name.removesuffix(OPEN).removesuffix(CLOSED)
        if file.name.endswith(OPEN) and not _is_abandoned(stem):
            continue
        target = folder / f"{stem}{PARQUET}"
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
            try:
                table, unreadable = _read(file)
                tables.write_table(table, partial)
            except FileNotFoundError:
                continue  # another process converts it
            if unreadable:
                target.with_suffix(UNREADABLE).write_bytes(b"".join(unreadable))
            partial.replace(target)
        file.unlink(missing_ok=True)
        converted.append(target)
    return converted


def _is_abandoned(stem: str) -> bool:
    return time.time() - int(stem.partition("-")[0]) / 1e9 > ABANDONED


def _files(folder: Path) -> list[Path]:
    """Return each part once: lines that are already Parquet are about to be removed."""
    if not folder.is_dir():
        raise step.StepError(f"{folder} does not exist: {NAME_A_LOG}")
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        for suffix in (OPEN, CLOSED, PARQUET):
            if file.name.endswith(suffix):
                stem = file.name.removesuffix(suffix)
                if stem not in files or suffix == PARQUET:
                    files[stem] = file
                break
    return list(files.values())


def _read(file: Path) -> tuple[pd.DataFrame, list[bytes]]:
    """Return the rows of a part, and its unreadable lines."""
    if file.suffix == PARQUET:
        aside = file.with_suffix(UNREADABLE)
        return tables.read_parquet(file), aside.read_bytes().splitlines() if aside.exists() else []
    rows: list[dict[str, Any]] = []
    unreadable = []
    names: list[str] | None = None
    with file.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break  # incomplete when its process was killed: it was not acknowledged
            try:
                record = json.loads(line)
                if names is None and isinstance(record["features"], list):
                    names = record["features"]  # the first line names the features of the others
                else:
                    rows += _rows(record, names or [])
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                unreadable.append(line)
    return pd.DataFrame.from_records(rows), unreadable


def _rows(record: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    inputs = record["inputs"] if "inputs" in record else record["request"]["data"]
    inputs = [inputs] if isinstance(inputs, dict) else inputs
    features = np.frombuffer(bytes.fromhex(record["features"]), dtype="<f8").reshape(len(inputs), len(names))
    model = {f"model_{name}": record["model"][name] for name in ("name", "version", "digest")}
    head = {"time": pd.Timestamp(record["time"]), "request_id": record["request_id"]}
    return [
        {
            **head,
            "row": number,
            **model,
            **record.get("routed", {}),
            **{INPUT + name: value for name, value in row.items()},
            **{FEATURE + name: value for name, value in zip(names, values, strict=True)},
            **{OUTPUT + name: value for name, value in outputs.items()},
        }
        for number, (row, values, outputs) in enumerate(
            zip(inputs, features.tolist(), record["outputs"], strict=True)
        )
    ]


if __name__ == "__main__":
    compact(Path(sys.argv[1]))
