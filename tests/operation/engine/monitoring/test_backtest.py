"""Would retraining have helped? Told on the rows of the next delivery, and only where they suffice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from operation.engine.monitoring import backtest

RANDOM = np.random.default_rng(0)
ACTUAL = (RANDOM.random(2000) < 0.3).astype(float)


def report(folder: Path, predicted: Any, **more: Any) -> Path:
    folder.mkdir()
    pd.DataFrame({"actual": ACTUAL, "predicted": predicted, **more}).to_parquet(
        folder / "predictions.parquet"
    )
    return folder


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-0.2, "helped"), (0.2, "harmed"), (0.0, "no difference shown")]
)
def test_a_gain_is_told_where_its_interval_leaves_0(tmp_path: Path, shift: float, verdict: str) -> None:
    noise = RANDOM.normal(0, 0.05, len(ACTUAL))
    old = report(tmp_path / "old", 0.3 + noise)
    new = report(tmp_path / "new", 0.3 - noise - shift * (ACTUAL - 0.3))
    gain = backtest.gain(old, new)
    assert gain.low < gain.value < gain.high
    assert gain.verdict == verdict


def test_classes_of_more_than_two_are_right_or_wrong(tmp_path: Path) -> None:
    old = report(tmp_path / "old", np.zeros(2000), probability_a=1.0)
    new = report(tmp_path / "new", ACTUAL, probability_a=1.0)
    assert backtest.gain(old, new).value == pytest.approx(ACTUAL.mean())


def test_equal_reports_gain_nothing_at_all(tmp_path: Path) -> None:
    old, new = (report(tmp_path / name, np.full(2000, 0.3)) for name in ("old", "new"))
    assert backtest.gain(old, new) == (0.0, 0.0, 0.0)
    assert backtest.gain(old, new).verdict == "no difference shown"


def test_alarms_at_no_difference_are_as_rare_as_stated(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    alarms = 0
    for number in range(200):
        old, new = (report(tmp_path / f"{name}{number}", random.random(2000)) for name in ("old", "new"))
        alarms += backtest.gain(old, new).verdict != "no difference shown"
    assert alarms <= 18  # 5 % of 200, and its upper bound of 99 %


def period(outcome: str, gain: Any = None, had_champion: bool = True) -> dict[str, Any]:
    quality = {"in service": 0.7, "never retrained": 0.6, "retrained each time": 0.8}
    return {"outcome": outcome, "had_champion": had_champion, "quality": quality, "gain": gain}


def test_each_decision_is_judged_on_the_next_delivery() -> None:
    helped, harmed, unclear = (0.1, 0.05, 0.15), (-0.1, -0.15, -0.05), (0.0, -0.1, 0.1)
    played = [
        period("waited", had_champion=False),
        period("promoted", had_champion=False),
        period("promoted"),
        period("promoted", helped),
        period("waited", harmed),
        period("rejected", harmed),
        period("waited", helped),
        period("waited", unclear),
    ]
    judged = backtest.judge(played)
    assert judged == [
        "no model yet",
        "first model",
        "hit",
        "harm",
        "rightly kept",
        "miss",
        "no difference shown",
        "not known yet",
    ]
    found = backtest.summary([{**one, "judged": word} for one, word in zip(played, judged, strict=True)])
    assert (found["trainings"], found["promoted"], found["rejected"], found["waited"]) == (4, 3, 1, 4)
    assert found["mean"]["retrained each time"] == pytest.approx(0.8)
    assert backtest.lines(found)[0].startswith(
        "4 trainings, 3 promoted, 1 rejected; judged on the next delivery: "
    )
