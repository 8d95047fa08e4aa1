"""What was guessed of a new use case, and why, line by line."""

from collections.abc import Iterator
from pathlib import Path

from operation.engine.delivery.scaffolding.guess import Guess
from operation.engine.delivery.scaffolding.split import HOLDOUT
from operation.engine.foundation.nearest import listed


def guess_lines(guess: Guess) -> Iterator[str]:
    """Yield a line for each guess, with its reason."""
    target, split = guess.target, guess.split
    yield f"task         {target.task}: {target.reason}"
    if split.split == "time":
        yield f"split        by time: {split.reason}; the latest rows are the holdout"
    elif split.split == "group":
        yield f"split        by group: {split.reason}"
    else:
        yield f"split        {split.split}: {split.reason}"
    yield from _values_lines(guess)
    for kind in ("numeric", "categorical", "datetime"):
        if names := [column.declaration for column in guess.of(kind)]:
            yield f"{kind:<12} {', '.join(names)}"
    if guess.key:
        yield f"deliveries   each file once, by `collect`; {', '.join(guess.key)} identifies a row"
    for column in guess.of("dropped"):
        yield f"left out     {column.name}: {column.reason}"
    for problem in guess.unreadable:
        yield f"left out     {problem}"
    if Path(guess.data).is_absolute():
        yield f"data         {guess.data} lies outside the project: other machines will not find it there"


def _values_lines(guess: Guess) -> Iterator[str]:
    """Yield how the split and the values were understood, what speaks against it first."""
    target, split = guess.target, guess.split
    if split.fraction != HOLDOUT:
        yield f"holdout      {split.fraction:.0%} of the {guess.rows} rows: a smaller share tells little"
    hints = [
        f"{column.name}: {column.warning}; it is a feature" for column in guess.columns if column.warning
    ]
    for warning in (*split.warnings, *hints):
        yield f"WARNING      {warning}"
    if guess.unlabelled:
        yield f"no target    {guess.unlabelled} of {guess.rows} rows: left out"
    for name, form in guess.forms.items():
        yield f"times        {name}: read as {form}"
    for name, found in guess.missing.items():
        yield f"missing      {name}: {found.told}"
    for name, words in guess.doubtful.items():
        absent = listed(words, "and")
        yield f"category     {name}: {absent} counts as one; `missing` in the schema says otherwise"
    if guess.lags:
        rows = listed([str(count) for count in guess.lags], "and")
        unit = "row" if rows == "1" else "rows"
        yield f"lags         {target.name}: its values {rows} {unit} earlier are features, and the baseline"


def options(guess: Guess) -> str:
    """Return the options that change what was guessed."""
    names = ["--time-column COLUMN", "--group-column COLUMN"]
    if guess.target.task == "regression":
        names.insert(0, "--task classification")
    elif guess.target.threshold is not None or guess.target.of_numbers:
        names.insert(0, "--task regression")
    return listed([*names, "--split random"] if guess.split.split in ("time", "group") else names)
