"""Looks at a holdout: what each may spend, and which one a comparison is."""

from __future__ import annotations

from typing import Any

import pytest

from comparing import looks


@pytest.mark.parametrize("planned", [1, 2, 30])
def test_all_looks_together_spend_the_error_rate(planned: int) -> None:
    rates = [looks.error_rate(number, planned, 0.05) for number in range(1, planned + 1)]
    assert sum(rates) == pytest.approx(0.05)
    assert rates == sorted(rates, reverse=True)
    assert looks.error_rate(planned + 1, planned, 0.05) == 0.0


def entry(
    model: str, champion: str | None = "c", holdout: str = "h", event: str = "rejected"
) -> dict[str, Any]:
    return {"event": event, "model_digest": model, "champion": champion, "holdout": holdout}


def test_a_look_is_a_pair_of_models_that_was_not_compared_before() -> None:
    entries: list[dict[str, Any]] = [
        entry("a"),
        entry("first", champion=None),  # nothing was compared
        {"event": "promoted", "model_digest": "a"},
        entry("b", event="accepted"),
        entry("a"),  # the same again
        entry("x", holdout="another"),
        entry("c", champion="b"),
    ]
    assert looks.number_of([], "h", "a", "c") == 1
    assert looks.number_of(entries, "h", "a", "c") == 1
    assert looks.number_of(entries, "h", "b", "c") == 2
    assert looks.number_of(entries, "h", "c", "b") == 3
    assert looks.number_of(entries, "h", "new", "b") == 4
    assert looks.number_of(entries, "another", "new", "b") == 2
