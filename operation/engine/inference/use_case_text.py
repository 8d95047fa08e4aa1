"""``configuration-<use case>.yml``: every step with what was guessed, and what to edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from operation.engine.inference.columns import Column
from operation.engine.inference.comparison_text import comparison_text
from operation.engine.inference.split import HOLDOUT, Split
from operation.engine.inference.target import Target
from operation.engine.inference.yaml_text import comment, written, written_list

MOST_SLICES, SLICE_LEVELS = 3, 12


@dataclass(frozen=True)
class Guess:
    """Everything that a new use case is written from."""

    name: str  # the use case
    data: str  # the table's path, as ingest will be given it
    rows: int  # rows of the table
    target: Target  # the guesses
    split: Split
    columns: Sequence[Column]
    levels: dict[str, int]  # levels of the categorical columns
    notebooks: Sequence[str]  # what is executed
    samples: bool  # whether every environment declares SAMPLEROWS
    span: float  # how far apart the values of a target of numbers are at most; 1 for labels

    def of(self, kind: str) -> list[Column]:
        """Return the columns of one kind."""
        return [column for column in self.columns if column.kind == kind]

    @property
    def slices(self) -> list[str]:
        """Columns with few levels, whose levels are worth measuring one by one."""
        few = [name for name, levels in self.levels.items() if levels <= SLICE_LEVELS]
        return few[:MOST_SLICES]


def use_case_text(guess: Guess) -> str:
    """Return the use case's file as text."""
    compared = comparison_text(guess.name, guess.target, guess.span)
    parts = [*_head(guess), *_ingest(guess), *_prepare(guess), *_train(guess), *_rest(guess), compared]
    return "\n".join(parts) + "\n"


def _head(guess: Guess) -> Iterator[str]:
    yield f"# Use case {guess.name}: steps, their arguments, and the notebooks that show them."
    yield f"# Written by `python3 -m operation new use-case {guess.name}` from {guess.rows} rows; edit it."
    yield "# $(NAME) is a variable of configuration-<ENVIRONMENT>.yml; an empty value leaves an argument out."
    yield f"description: {written(_question(guess.target))}"
    yield "\nnotebooks:"
    yield from (f"  - name: {written(name)}" for name in guess.notebooks)
    yield "\nsteps:"


def _question(target: Target) -> str:
    if target.threshold is not None:
        return f"Will {target.name} be {target.threshold:g} or more?"
    if target.positive is not None:
        return f"Will {target.name} be {target.positive}?"
    return f"Which {target.name}?" if target.classes else f"How large is {target.name}?"


def _ingest(guess: Guess) -> Iterator[str]:
    yield "  ingest:"
    yield "    inputs:"
    yield f"      data: {written(guess.data)}  # CSV or Parquet file, or a folder of them"
    if guess.split.time_column or guess.samples:
        yield "    arguments:"
    if guess.split.time_column:
        yield f"      time-column: {written(guess.split.time_column)}"
    if guess.samples:
        yield "      sample-rows: $(SAMPLEROWS)      # rows at most, as the environment says"
    yield "\n  validate:"
    yield "    inputs:"
    yield "      table: ingest.table"
    yield f"      schema: configuration/schemas/{guess.name}.yml"


def _prepare(guess: Guess) -> Iterator[str]:
    target, split = guess.target, guess.split
    yield "\n  prepare:"
    yield "    inputs:"
    yield "      table: validate.validated"
    yield "    arguments:"
    yield f"      task: {target.task}  {comment(target.reason)}"
    yield f"      target: {written(target.name)}"
    if target.threshold is not None:
        yield f"      threshold: {written(target.threshold)}  # target >= threshold is the positive class"
    if target.positive is not None:
        yield f"      positive: {written(target.positive)}"
    yield f"      split: {split.split}  {comment(split.reason)}"
    if split.split == "time" and split.time_column:
        yield f"      time-column: {written(split.time_column)}"
    yield f"      holdout-fraction: {HOLDOUT}  # of the rows{', the latest' if split.split == 'time' else ''}"
    for kind in ("categorical", "datetime", "numeric"):
        if names := [column.declaration for column in guess.of(kind)]:
            yield f"      {kind}:{written_list(names, indent=8)}"
    yield from (f"      {comment(f'left out: {one.name}: {one.reason}')}" for one in guess.of("dropped"))


def _train(guess: Guess) -> Iterator[str]:
    yield "\n  train:"
    yield "    inputs:"
    yield "      training: prepare.training"
    yield "      features: prepare.features"
    yield "    arguments:"
    yield "      estimator: gradient-boosting    # or random-forest, linear, constant"
    yield "      learning-rate: 0.1"
    yield "      max-iter: 100"
    yield f"      min-samples-leaf: {max(1, min(20, guess.rows // 50))}"
    yield "      l2-regularization: 1            # with 0, the leaves of a rare class may run away"


def _rest(guess: Guess) -> Iterator[str]:
    slices = written_list(guess.slices, indent=8)
    gate = '["rmse<baseline_rmse"]' if guess.target.task == "regression" else '["log_loss<baseline_log_loss"]'
    keep = [column.name for column in guess.columns if column.kind != "dropped"][:3]
    yield f"""
  evaluate:
    inputs:
      model: train.model
      training: prepare.training
      holdout: prepare.holdout
    arguments:
      slices:{slices}

  register:
    inputs:
      model: train.model
      report: evaluate.report
    arguments:
      name: {guess.name}
      tracking-uri: sqlite:///runs/mlflow.db
      alias: challenger
      # a model that fails a condition is not registered, and the run ends with exit code 3:
      # gate: {gate}

  batch_score:
    inputs:
      model: train.model
      table: prepare.holdout
    arguments:
      keep:{written_list(keep, indent=8)}"""
