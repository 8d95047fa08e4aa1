"""Any table: `new use-case` refuses it with one message, or what it writes runs, all notebooks, to the end.

WORKBENCH_TABLES=500 draws so many tables; with ``-s`` the kinds of outcomes are printed, and with
``--hypothesis-seed=N`` others are drawn. The notebooks' cells are executed in this process, without kernels
(see `tests.notebooks.in_process`), and every fourth table's pictures are drawn;
`WORKBENCH_TABLES_KERNELS=1` executes them by ``run``, as a person does.
"""

from __future__ import annotations

import gc
import io
import math
import os
import re
import shutil
import string
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation import cli
from operation.engine.foundation.layout import Layout
from tests.notebooks.in_process import metrics_of, run_notebooks, small_pictures, unchanging_code

TABLES = int(os.environ.get("WORKBENCH_TABLES", "2"))
KERNELS = bool(os.environ.get("WORKBENCH_TABLES_KERNELS"))
REFUSED = re.compile(r"error: (--[a-z-]+|.*:\d+|No column can be a feature|.*row \d+)")
QUOTED = re.compile(r"'.*'")
NAMES = st.sampled_from(
    [
        *(
            "side",
            "baseline",
            "prediction",
            "predicted",
            "actual",
            "city/state",
            "signup weekday",
            "target lag 1",
        ),
        *(
            "$0_$50",
            "a & b",
            "rows",
            "index",
            "column",
            "Größe",
            "用户",
            "x:y",
            "x=y",
            "a'b\"c",
            "no",
            "1",
            "%s",
        ),
        *("probability_a", "class", "weight", "customer_id", "id", "when", "time", "year", "shop", "slice"),
        *("a long name, as survey tools write it: how satisfied are you with our service? (1-10)", "`x` *y*"),
        *("Price\n(EUR)", "unit\u00a0price", "tab\tbed"),
    ]
) | st.text(string.ascii_letters + string.digits + " _-./$&%#@()[]{}<>|*+?!", min_size=1, max_size=8)
LEVELS = st.lists(
    st.sampled_from(
        [
            *(
                "None",
                "NA",
                "null",
                "$5_$6",
                "a/b",
                "<b>",
                "007",
                "7",
                "yes",
                "no",
                "ß",
                "missing",
                "_x",
                "1e3",
            ),
            *(
                "an answer of many words, " * 9,
                "an answer of many words, " * 9 + "and more",
                "two\nlines",
                "用户",
            ),
        ]
    )
    | st.text(string.printable[:95], min_size=1, max_size=6),
    min_size=2,
    max_size=6,
    unique=True,
)


def _column(draw: st.DrawFn, random: np.random.Generator, rows: int) -> Any:
    """Draw the values of one column."""
    kind = draw(st.sampled_from(KINDS))
    if kind == "level":
        return random.choice(np.array(draw(LEVELS), dtype=object), rows)
    return kind(random, rows)


def _times(form: str) -> Any:
    def made(random: np.random.Generator, rows: int) -> Any:
        hours = (
            np.sort(random.integers(1, 40_000, rows))
            if random.random() < 0.7
            else random.integers(1, 9999, rows)
        )
        times = pd.Timestamp("2015-01-01") + pd.to_timedelta(hours, unit="h")
        return times if not form else times.strftime(form).to_numpy(dtype=object)

    return made


def _with(values: Any, random: np.random.Generator, word: object, share: float = 0.1) -> Any:
    column = np.array(values, dtype=object)
    column[random.random(len(column)) < share] = word
    return column


KINDS: list[Any] = [
    "level",
    "level",
    lambda random, rows: random.normal(50, 9, rows).round(2),
    lambda random, rows: random.integers(-3, 9, rows),
    lambda random, rows: random.lognormal(0, 4, rows),
    lambda random, rows: random.integers(0, 2, rows).astype(bool),
    lambda random, rows: np.arange(rows) + 1000,
    lambda random, rows: [f"{number:05d}" for number in random.integers(0, 300, rows)],
    lambda random, rows: random.integers(1, 12, rows).astype("uint64") + np.uint64(2**63),
    lambda random, rows: _with(random.normal(size=rows), random, np.inf),
    lambda random, rows: _with(random.normal(size=rows).round(3), random, "NA"),
    lambda random, rows: _with(random.normal(size=rows).round(3), random, "?"),
    lambda random, rows: _with(random.normal(size=rows), random, np.nan, 0.6),
    lambda random, rows: [
        f"{number:,.2f}".translate({44: 46, 46: 44}) for number in random.lognormal(5, 2, rows)
    ],
    lambda random, rows: random.integers(0, max(rows // 4, 2), rows),
    lambda random, rows: [None] * rows,
    lambda random, rows: ["same"] * rows,
    *map(
        _times,
        ["", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y %H:%M", "%m/%d/%Y", "%b %d %Y", "%Y", "%H:%M"],
    ),
    lambda random, rows: np.sort(random.integers(10**9, 2 * 10**9, rows)),
    lambda random, rows: _with(_times("%Y-%m-%d")(random, rows), random, "9999-12-31", 0.4),
]


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, str, str]:
    """Draw a table, its target and the form of its file."""
    rows = draw(st.sampled_from([40, 90, 150, 21, 240, 5]))
    names = draw(st.lists(NAMES, min_size=2, max_size=7, unique_by=str.strip))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = pd.DataFrame({name: pd.Series(_column(draw, random, rows), dtype=None) for name in names})
    likely = draw(st.sampled_from(["any", "number", "number", "classes", "classes", "labels"]))
    if likely == "number":  # that depends on another column
        numbers = pd.to_numeric(table.iloc[:, 0], errors="coerce").fillna(0).clip(-1e6, 1e6)
        table[names[-1]] = (numbers.rank() + random.normal(0, rows / 4, rows)).round(3)
    elif likely != "any":
        labels = draw(LEVELS) if likely == "labels" else ["no", "yes", "maybe"][: draw(st.integers(2, 3))]
        table[names[-1]] = random.choice(np.array(labels, dtype=object), rows)
    if draw(st.booleans()):
        gaps, name = np.arange(rows) % draw(st.integers(3, 9)) == 0, draw(st.sampled_from(names))
        table[name] = table[name].astype(object).mask(gaps, None).infer_objects()
    form = draw(st.sampled_from(["comma", "semicolon", "tab", "parquet"]))
    return table, names[-1], form


def write(table: pd.DataFrame, folder: Path, form: str) -> Path:
    """Write a table as a person would bring it."""
    if form == "parquet":
        plain = {
            name: table[name].map(str, na_action="ignore") for name in table if table[name].dtype == object
        }
        table.assign(**plain).to_parquet(folder / "data.parquet")
        return folder / "data.parquet"
    table.to_csv(folder / "data.csv", index=False, sep={"comma": ",", "semicolon": ";", "tab": "\t"}[form])
    return folder / "data.csv"


def outcome(layout: Layout, table: pd.DataFrame, target: str, form: str) -> str:
    """Return "green", or the kind of the refusal; raise what goes wrong."""
    data, told = write(table, layout.root, form), io.StringIO()
    words = ["new", "use-case", "drawn", "--data", str(data), f"--target={target}"]
    with redirect_stderr(told), redirect_stdout(told):
        code = cli.main(words)
    if code:
        lines = [line for line in told.getvalue().splitlines() if line.startswith("error: ")]
        assert code in (1, 2), told.getvalue()
        assert len(lines) == 1, told.getvalue()
        assert REFUSED.match(lines[0]), lines[0]
        return f"refused: {re.sub('[0-9]+', 'N', QUOTED.sub('X', lines[0]))[:60]}"
    if KERNELS:
        with redirect_stderr(told), redirect_stdout(told):
            code = cli.main(["run", "--use-case", "drawn"])
        assert code == 0, told.getvalue()
    else:
        run_notebooks(layout, "drawn")
    assert all(map(math.isfinite, metrics_of(layout)))
    return "green"


@pytest.fixture(scope="module")
def counts() -> Iterator[Counter[str]]:
    """Count outcomes, and say how many there were of each kind."""
    found: Counter[str] = Counter()
    with unchanging_code():
        yield found
    gc.unfreeze()
    for kind, times in found.most_common():
        print(f"{times:>5} {kind}")
    assert found["green"] > found.total() / 2 or TABLES < 50


@settings(
    max_examples=TABLES,
    deadline=None,
    database=None,
    derandomize=TABLES < 10,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(drawn=tables(), pictures=st.integers(0, 3))
def test_any_table_is_refused_or_runs(
    drawn: tuple[pd.DataFrame, str, str], pictures: int, real_project: Layout, counts: Counter[str]
) -> None:
    table, target, form = drawn
    if counts.total() == 2:
        gc.freeze()  # what is imported by now stays: half of the time would go into looking at it again
    for left in (real_project.store, real_project.root / "data.csv", real_project.root / "data.parquet"):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    for file in ("configuration-drawn.yml", "schemas/drawn.yml"):
        (real_project.configuration / file).unlink(missing_ok=True)
    with small_pictures(drawn=pictures == 3):
        counts[outcome(real_project, table, target, form)] += 1
