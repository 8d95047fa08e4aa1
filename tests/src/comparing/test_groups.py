"""Groups that got worse."""

from __future__ import annotations

import numpy as np
import pandas as pd

from comparing.groups import worse_groups

GROUPS, ROWS, RATE = 100, 84, 0.05


def test_who_got_certainly_worse_comes_first() -> None:
    names = np.repeat([f"{number:03}" for number in range(GROUPS)], ROWS)
    columns = pd.DataFrame({"shop": names, "product": "a"})
    columns.loc[:9, "product"] = None
    champion = np.random.default_rng(0).exponential(5, len(columns))
    challenger = champion + np.random.default_rng(1).normal(0, 1, len(columns))
    challenger[names == "042"] += 1.0
    found = worse_groups(columns, challenger, champion, RATE)
    assert (found["columns"], found["count"], found["certain"]) == (["shop", "product"], GROUPS, 1)
    assert 30 < found["worse"] < 70
    first, second = found["listed"][:2]
    assert (first["group"], first["rows"], first["certain"]) == ("042 & a", ROWS, True)
    assert first["value"] == first["challenger"] - first["champion"]
    assert second["value"] >= found["listed"][-1]["value"] > 0


def test_equally_good_groups_are_hardly_ever_called_certainly_worse() -> None:
    random = np.random.default_rng(2)
    columns = pd.DataFrame({"group": np.repeat(range(GROUPS), ROWS)})
    nothing = np.zeros(len(columns))
    alarms = [
        worse_groups(columns, random.laplace(size=len(columns)), nothing, RATE)["certain"] > 0
        for _ in range(40)
    ]
    assert sum(alarms) <= 6  # 2 are expected of 40; 7 or more have a probability of 0.3 %
