"""Decisions as the step `gate` writes them."""

from __future__ import annotations

from typing import Any

ENDS = {"value": -0.004, "low": -0.006, "high": -0.002, "margin": 0.001, "rows": 5_012, "passed": True}
BINS = [{"predicted": 0.1, "actual": 0.12, "rows": 2_506}, {"predicted": 0.4, "actual": 0.38, "rows": 2_506}]


def decision(**changes: Any) -> dict[str, Any]:
    """Return an accepted decision with every section."""
    slices = [
        {**ENDS, "column": "airline", "category": "UA", "rows": 900},
        {
            **ENDS,
            "column": "airline",
            "category": "<b>",
            "rows": 300,
            "low": 0.002,
            "high": 0.02,
            "passed": False,
        },
    ]
    calibration = {"error": 0.02, "certain": 0.0, "bins": BINS}
    found: dict[str, Any] = {
        **{"schema": 1, "model": "flights", "challenger": "a" * 64, "champion": "b" * 64},
        **{"decision": "accepted", "reason": "it is certainly better than the champion"},
        **{"metric": "brier", "rule": "superiority", "unit": "scheduled_departure"},
        "holdout": {
            "digest": "c" * 64,
            "content": "d" * 64,
            "rows": 5_012,
            "without_label": 3,
            "left_out": 0,
        },
        "conditions": [{"condition": "roc_auc>=0.6", "value": 0.68, "limit": 0.6, "passed": True}],
        "difference": {**ENDS, "challenger": 0.140, "champion": 0.144},
        "power": {"difference": -0.002, "power": 0.91, "rows": 5_012, "rows_needed": 3_400},
        "slices": slices,
        "calibration": {"limit": 0.1, "passed": True, "challenger": calibration, "champion": calibration},
        "latency": {"limit_ms": 50.0, "passed": True},
        "size": {"challenger": 1_200_000, "champion": 1_100_000, "limit_mb": 20.0, "passed": True},
        "cost": {**ENDS, "challenger": 0.4, "champion": 0.42},
        "looks": {"number": 3, "planned": 30, "error_rate": 0.0042, "counted": True},
    }
    return {**found, **changes}


def of_groups(**changes: Any) -> dict[str, Any]:
    """Return a decision about a model of groups."""
    worse = {"group": "12 & <i>", "rows": 84, "challenger": 9.5, "champion": 8.0, "value": 1.5}
    listed = [{**worse, "certain": True}, {**worse, "group": "3 & 101", "certain": False}]
    counts = {"columns": ["shop", "product"], "count": 105, "worse": 2, "certain": 1}
    return decision(groups={**counts, "listed": listed}, **changes)


def first(**changes: Any) -> dict[str, Any]:
    """Return the decision about the first model: most sections are empty."""
    empty = dict.fromkeys(("champion", "difference", "power", "latency", "cost", "looks", "unit"))
    own = {"error": 0.02, "certain": 0.0, "bins": BINS}
    calibration = {"limit": None, "passed": True, "challenger": own, "champion": None}
    size = {"challenger": 1_200_000, "champion": None, "limit_mb": None, "passed": True}
    return decision(**empty, slices=[], conditions=[], calibration=calibration, size=size, **changes)
