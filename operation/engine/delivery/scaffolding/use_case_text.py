"""``configuration-<use case>.yml``: every step with what was guessed, and what to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from operation.engine.delivery.scaffolding.columns import Column
from operation.engine.delivery.scaffolding.guess import Guess

# begins with a letter, or as a notebook's name does, so that it is no number and no date
_PLAIN = re.compile(r"(?:\d\d-)?[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # in YAML 1.1 or 1.2


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
        min_samples_leaf=max(1, min(20, guess.rows // 20)),
        slices=guess.slices,
        min_rows=min(500, max(40, round(guess.rows * guess.split.fraction / 2))),
        gate="rmse" if guess.target.task == "regression" else "log_loss",
        keep=[column.name for column in guess.columns if _is_kept(column)][:3],
    )


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
