"""The schema of a request's rows: a few rows of each part of a table tell as much as all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modelling.features import FeatureSpec
from scoring.row_schema import describe, telling_rows


def test_telling_rows_have_the_schema_of_all() -> None:
    random = np.random.default_rng(0)
    count = 500
    columns = {
        "number": np.where(random.random(count) < 0.01, np.nan, random.standard_normal(count)),
        "whole": random.integers(-9, 9, count),
        "flag": random.random(count) < 0.01,
        "text": ["a", "b", None, "b"] * (count // 4),
        "mixed": [True] * (count - 1) + ["x"],
        "typed": pd.Series([*range(count - 1), "7"], dtype=object),
        "time": pd.date_range("2020-01-01", periods=count),
    }
    spec = FeatureSpec(("number", "whole", "typed"), ("flag", "text", "mixed"), datetime={"time": ("month",)})
    table = pd.DataFrame(columns).sample(frac=1, random_state=0)
    few = pd.concat([telling_rows(part, spec) for part in (table[:200], table[200:])], ignore_index=True)
    assert len(few) < 40
    assert describe(few, spec, 3.0, {}) == describe(table, spec, 3.0, {})
