"""Files of scored rows: lines of JSON become Parquet, and all of them are one table."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tables
import utils
from scored_form import FEATURE, INPUT, OUTPUT
from scored_log import CLOSED, OPEN, Limits

PARQUET = ".parquet"
LEFT_BEHIND = 2 * Limits().most_seconds  # age of an open file whose process is gone: a live one has closed it


def read(folder: Path) -> pd.DataFrame:
    """Return all scored rows of a log, in the order in which they were scored.

    Raises
    ------
    StepError
        When there are none.
    """
    parts = _parts(folder)
    if not parts:
        raise utils.StepError(f"{folder} holds no scored rows: name the log of a service or of batch_score")
    table = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    return table.sort_values(["time", "request_id", "row"], kind="stable", ignore_index=True)


def _parts(folder: Path) -> list[pd.DataFrame]:
    """Read all files; where one has got another name meanwhile, all of them again."""
    while True:
        try:
            return [part for file in _files(folder) if not (part := _read(file)).empty]
        except FileNotFoundError:
            continue


def compact(folder: Path) -> list[Path]:
    """Make Parquet of each closed file, and of open ones that their process has left behind."""
    made = []
    for file in sorted(folder.glob(f"*{CLOSED}")):
        stem = file.name.removesuffix(OPEN).removesuffix(CLOSED)
        if file.name.endswith(OPEN) and not _is_left_behind(stem):
            continue
        target = folder / f"{stem}{PARQUET}"
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
            try:
                tables.write_table(_read(file), partial)
            except FileNotFoundError:
                continue  # another process makes Parquet of it
            partial.replace(target)
        file.unlink(missing_ok=True)
        made.append(target)
    return made


def _is_left_behind(stem: str) -> bool:
    return time.time() - int(stem.partition("-")[0]) / 1e9 > LEFT_BEHIND


def _files(folder: Path) -> list[Path]:
    """Return each part once: lines whose Parquet is there already are only waiting to be removed."""
    if not folder.is_dir():
        raise utils.StepError(f"{folder} does not exist: name the log of a service or of batch_score")
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        for suffix in (OPEN, CLOSED, PARQUET):
            if file.name.endswith(suffix):
                stem = file.name.removesuffix(suffix)
                if stem not in files or suffix == PARQUET:
                    files[stem] = file
                break
    return list(files.values())


def _read(file: Path) -> pd.DataFrame:
    if file.suffix == PARQUET:
        return tables.read_parquet(file)
    with file.open("rb") as lines:
        head = lines.readline()
        if not head.endswith(b"\n"):
            return pd.DataFrame()  # killed before its first record
        names = json.loads(head)["features"]
        return pd.DataFrame.from_records(list(_rows(lines, names)))


def _rows(lines: Any, names: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if not line.endswith(b"\n"):
            return  # cut off when its process was killed: it was not acknowledged
        record = json.loads(line)
        given = record["inputs"] if "inputs" in record else record["request"]["data"]
        rows = [given] if isinstance(given, dict) else given
        features = np.frombuffer(bytes.fromhex(record["features"]), dtype="<f8").reshape(
            len(rows), len(names)
        )
        model = record["model"]
        for row, values in enumerate(zip(rows, features.tolist(), record["outputs"], strict=True)):
            inputs, made, outputs = values
            head = {
                "time": pd.Timestamp(record["time"]),
                "request_id": record["request_id"],
                "row": row,
                **{f"model_{name}": model[name] for name in ("name", "version", "digest")},
                **record.get("routed", {}),
            }
            yield {
                **head,
                **{INPUT + name: value for name, value in inputs.items()},
                **{FEATURE + name: value for name, value in zip(names, made, strict=True)},
                **{OUTPUT + name: value for name, value in outputs.items()},
            }


if __name__ == "__main__":
    compact(Path(sys.argv[1]))
