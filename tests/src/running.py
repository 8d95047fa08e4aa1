"""Running Core Scripts, in this process and as child processes."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support import step

FEATURE_TABLES = "feature-tables"  # beside the tables that were prepared with them
SRC = Path(__file__).resolve().parents[2] / "src"


def run(script: str, *argv: object) -> None:
    """Run ``main(argv)`` of a Core Script in this process."""
    importlib.import_module(script).main([str(word) for word in argv])


def error_of(call: Callable[..., object], *args: Any, **options: Any) -> str:
    """Return the message of the StepError that `call` raises."""
    with pytest.raises(step.StepError) as caught:
        call(*args, **options)
    return str(caught.value)


def child(script: str, *argv: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a Core Script as a process of its own, with environment variables added."""
    command = [sys.executable, str(SRC / f"{script}.py"), *map(str, argv)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)


def words_of(arguments: Mapping[str, Any]) -> list[str]:
    """Return the words that stand for the arguments of a use case's step."""
    words = []
    for name, value in arguments.items():
        words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return words


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file in `folder`, by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def left_over(folder: Path) -> list[str]:
    """Return the names of all that is in `folder`."""
    return sorted(entry.name for entry in folder.iterdir())


class Trained:
    """Folders of one data set, prepared and trained once a session."""

    def __init__(self, folder: Path, table: pd.DataFrame, prepare: list[str], train: list[str]) -> None:
        self.table, self.training, self.holdout = folder / "table.parquet", folder / "t", folder / "h"
        self.features, self.model = folder / "f", folder / "m"
        self.prepare_words, self.train_words = prepare, train
        table.to_parquet(self.table)
        run("prepare", "--table", self.table, *self.prepared_into(self.training, self.holdout, self.features))
        run("train", *self.trained_into(self.model))

    def prepared_into(self, training: Path, holdout: Path, features: Path) -> list[object]:
        """Return the words that prepare these rows into other folders."""
        return [*self.prepare_words, "--training", training, "--holdout", holdout, "--features", features]

    def trained_into(self, model: Path) -> list[object]:
        """Return the words that train the same model into another folder."""
        return [*self.train_words, "--training", self.training, "--features", self.features, "--model", model]
