"""``configuration-<use case>.yml``: every step with what was guessed, and what to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from operation.engine.delivery.scaffolding.columns import Column
from operation.engine.delivery.scaffolding.meanings import Missing
from operation.engine.delivery.scaffolding.split import Split
from operation.engine.delivery.scaffolding.target import Target

# begins with a letter, or as a notebook's name does, so that it is no number and no date
_PLAIN = re.compile(r"(?:\d\d-)?[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # in YAML 1.1 or 1.2
MOST_SLICES, SLICE_CATEGORIES = 3, 12


@dataclass(frozen=True)
class Guess:
    """Everything that a new use case is written from."""

    name: str  # the use case
    data: str  # the table's path, as ingest receives it
    rows: int  # rows of the table
    target: Target
    split: Split
    columns: Sequence[Column]
    categories: dict[str, int]  # categories of the categorical columns
    notebooks: Sequence[str]  # to be executed
    unreadable: Sequence[str]  # why others are not
    samples: bool  # whether every environment declares SAMPLEROWS
    key: Sequence[str]  # columns that identify a row of a folder of files; none: the files are no deliveries
    forms: dict[str, str]  # of times that are not written as 2013-01-31
    missing: dict[str, Missing]  # words of a column that say that there is no value
    doubtful: dict[str, list[str]]  # categories that elsewhere say that there is no value
    lags: Sequence[int]  # rows back in time whose target is a feature
    unlabelled: int  # rows without a target
    span: float  # largest distance between values of a numeric target; 1 for labels

    def of(self, kind: str) -> list[Column]:
        """Return the columns of one kind."""
        return [column for column in self.columns if column.kind == kind]

    @property
    def slices(self) -> list[str]:
        """Columns with few categories, whose categories are worth measuring one by one."""
        few = [name for name, categories in self.categories.items() if categories <= SLICE_CATEGORIES]
        return few[:MOST_SLICES]


def use_case_text(guess: Guess) -> str:
    """Return the use case's file as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - YAML is no HTML
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(word=yaml_word, words=yaml_list, comment=comment)
    kinds = ("categorical", "datetime", "numeric")
    return environment.get_template("use_case.yml.j2").render(
        **vars(guess),
        holdout=guess.split.fraction,
        times=[f"{name}={form}" for name, form in guess.forms.items()],
        earlier=[f"{guess.target.name} lag {count}" for count in guess.lags],
        declarations={kind: [column.declaration for column in guess.of(kind)] for kind in kinds},
        left_out=guess.of("dropped"),
        min_samples_leaf=max(1, min(20, guess.rows // 50)),
        slices=guess.slices,
        min_rows=min(500, max(40, round(guess.rows * guess.split.fraction / 2))),
        gate="rmse" if guess.target.task == "regression" else "log_loss",
        keep=[column.name for column in guess.columns if _is_kept(column)][:3],
    )


def step_names() -> set[str]:
    """Return the names of the steps that a new use case has."""
    template = Path(__file__).with_name("use_case.yml.j2").read_text(encoding="utf-8")
    return set(re.findall(r"^  (\w+):$", template.partition("\nsteps:")[2], re.MULTILINE))


def _is_kept(column: Column) -> bool:
    """Tell whether a column stands beside the scores, which have names of their own."""
    return column.kind != "dropped" and not re.match("prediction$|probability", column.name)


def yaml_word(value: str | float | bool) -> str:
    """Return `value` as one word of YAML, quoted where a parser might take it for anything else."""
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def yaml_list(values: Iterable[str | float], indent: int = 8) -> str:
    """Return `values` as a list behind a key: on one line where that is short, otherwise one per line."""
    words = [yaml_word(value) for value in values]
    line = f" [{', '.join(words)}]"
    if len(line) <= 70:
        return line
    margin = " " * indent
    return "".join(f"\n{margin}- {word}" for word in words)


def comment(text: str) -> str:
    """Return `text` as a comment of one line, whatever the data put into it."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f"# {line[:200]}"
