"""What Azure ML adds to the snapshot of a ParallelRunStep: the driver that calls ``init()`` and ``run()``.

Started by the job's interpreter in the job's folder, with the words that the SDK makes. Mini-batches are
executed one after another, in this process.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

APPEND_ROW = "append_row"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the words that are the driver's own; the script finds all of them."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add = parser.add_argument
    add("--scoring_module_name", required=True, help="entry script")
    add("--mini_batch_size", type=int, default=10, help="files that one call of run() gets")
    add("--error_threshold", type=int, default=-1, help="files that may fail; -1: all of them")
    add("--allowed_failed_count", type=int, help="mini-batches that may fail")
    add("--allowed_failed_percent", type=float, help="percentage of mini-batches that may fail")
    add("--run_max_try", type=int, default=3, help="times that a mini-batch is tried")
    add("--output_action", default=APPEND_ROW)
    add("--append_row_file_name", default="parallel_run_step.txt")
    add("--output", type=Path, help="folder for the rows")
    return parser


def inputs(words: Sequence[str]) -> list[str]:
    """Return the files of all inputs, in the order of their names.

    Raises
    ------
    NotImplementedError
        For a tabular input.
    """
    files: list[str] = []
    for option, name in pairwise(words):
        if option.startswith("--input_ds_"):
            raise NotImplementedError(f"The input {name} is tabular: the emulator reads files alone.")
        if option.startswith("--input_fds_"):
            root = Path(os.environ[name])
            files += sorted(str(file) for file in [root, *root.rglob("*")] if file.is_file())
    return files


def load(file: Path) -> ModuleType:
    """Return the entry script as a module; what stands beside it can be imported."""
    sys.path[0] = str(file.parent.resolve())
    specification = importlib.util.spec_from_file_location(file.stem, file)
    if specification is None or specification.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def attempt(run: Callable[[list[str]], Any], batch: list[str], most: int) -> list[Any] | None:
    """Return the rows that a mini-batch gives, at the first try that succeeds; None where none does."""
    for _ in range(most):
        try:
            found = run(batch)
        except Exception:  # noqa: BLE001 - whatever a script raises
            traceback.print_exc()
        else:
            return rows(found)
    return None


def rows(found: Any) -> list[Any]:
    """Return what ``run()`` returned, a list or a DataFrame, as rows."""
    is_table = hasattr(found, "itertuples")
    return [" ".join(map(str, row)) for row in found.itertuples(index=False)] if is_table else list(found)


def main(words: Sequence[str]) -> None:
    """Run all mini-batches, and fail when more of them did than may."""
    args, _ = build_parser().parse_known_args(words)
    files, entry = inputs(words), load(Path(args.scoring_module_name))
    getattr(entry, "init", lambda: None)()
    batches = [
        files[first : first + args.mini_batch_size] for first in range(0, len(files), args.mini_batch_size)
    ]
    results: list[Any] = []
    lost = failed = 0
    for batch in batches:
        found = attempt(entry.run, batch, args.run_max_try)
        results += found or []
        lost += max(0, len(batch) - len(found or []))
        failed += found is None
        check(args, (lost, len(files)), (failed, len(batches)))
    getattr(entry, "shutdown", lambda: None)()
    if args.output_action == APPEND_ROW and args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{row}\n" for row in results)
        (args.output / args.append_row_file_name).write_text(text, encoding="utf-8")
    print(f"{len(batches)} mini-batches, {failed} failed; {len(files)} files, {lost} failed")


def check(args: argparse.Namespace, files: tuple[int, int], batches: tuple[int, int]) -> None:
    """Raise RuntimeError when more files or mini-batches failed than may."""
    count, percent = args.allowed_failed_count, args.allowed_failed_percent
    exceeded = {
        f"error_threshold is {args.error_threshold}": 0 <= args.error_threshold < files[0],
        f"allowed_failed_count is {count}": count is not None and batches[0] > count,
        f"allowed_failed_percent is {percent}": percent is not None
        and 100 * batches[0] > percent * batches[1],
    }
    for limit, is_exceeded in exceeded.items():
        if is_exceeded:
            of = f"{files[0]} of {files[1]} files and {batches[0]} of {batches[1]} mini-batches"
            raise RuntimeError(f"{of} failed, {limit}: the run is ended")


if __name__ == "__main__":
    main(sys.argv[1:])
