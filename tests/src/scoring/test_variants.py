"""Variants: who gets which is the same everywhere, in the planned shares, and stays so when a share grows."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.variants import Split, position
from tests.src.running import SRC, error_of

SHARES = st.floats(0, 1, allow_subnormal=False)
KEYS = [f"customer {number}" for number in range(4000)]


def drawn(split: Split, keys: list[str] = KEYS) -> list[str]:
    return [split.variant(key) for key in keys]


def test_the_positions_are_those_of_every_platform_and_every_release() -> None:
    assert [position("flights-1", key) for key in ("", "a", "Zoë", "row-17", "\ud800")] == [
        3724621797791735762,
        7238763647321908672,
        3264504434087691826,
        857260287875186928,
        10358621297562668996,
    ]


def test_another_process_with_another_hash_seed_draws_the_same() -> None:
    code = (
        "from scoring.variants import Split; split = Split({'challenger': 0.3}, 'flights-1')\n"
        "print(*[split.variant(f'customer {number}') for number in range(4000)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SRC), "PYTHONHASHSEED": "5", "SYSTEMROOT": "C:\\Windows"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == drawn(Split({"challenger": 0.3}, "flights-1"))


def test_nothing_but_the_standard_library_is_imported() -> None:
    code = "import sys, scoring.variants; print({'numpy', 'pandas', 'pyarrow'} & set(sys.modules))"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=SRC, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@given(st.text(), st.text(), SHARES)
def test_a_key_sticks(key: str, salt: str, share: float) -> None:
    assert Split({"b": share}, salt).variant(key) == Split({"b": share}, salt).variant(key)


@given(st.text(), st.text(), SHARES, SHARES)
def test_who_has_the_challenger_keeps_it_when_its_share_grows(
    key: str, salt: str, one: float, other: float
) -> None:
    small, large = sorted([one, other])
    if Split({"challenger": small}, salt).variant(key) == "challenger":
        assert Split({"challenger": large}, salt).variant(key) == "challenger"


@given(st.text(), st.text(), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_the_last_of_two_challengers_grows_at_the_champions_cost_alone(
    key: str, salt: str, first: float, second: float, more: float
) -> None:
    before = Split({"b": first, "c": min(second, more)}, salt).variant(key)
    after = Split({"b": first, "c": max(second, more)}, salt).variant(key)
    assert before == after or (before, after) == ("champion", "c")


@given(st.text(), st.text())
def test_a_share_of_nothing_and_of_all(key: str, salt: str) -> None:
    assert Split({"challenger": 0.0}, salt).variant(key) == "champion"
    assert Split({"challenger": 1.0}, salt).variant(key) == "challenger"


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 0.99), st.integers(0, 10**9))
def test_shares_are_as_planned_within_what_chance_allows(share: float, salt: int) -> None:
    found = drawn(Split({"challenger": share}, str(salt))).count("challenger")
    # seven standard deviations: once in 10**11 examples
    assert abs(found - share * len(KEYS)) <= 7 * math.sqrt(share * (1 - share) * len(KEYS)) + 1


def test_three_variants_have_their_shares() -> None:
    split = Split({"b": 0.2, "c": 0.3}, "three", champion="a")
    found = drawn(split)
    for name, share in {"a": 0.5, "b": 0.2, "c": 0.3}.items():
        assert found.count(name) / len(KEYS) == pytest.approx(share, abs=0.03)


def test_another_salt_splits_afresh() -> None:
    first, second = (drawn(Split({"challenger": 0.5}, salt)) for salt in ("one", "two"))
    both = sum(one == other for one, other in zip(first, second, strict=True))
    assert both / len(KEYS) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"challenger": 1.5}, "the share of 'challenger' is 1.5: give a number from 0 to 1"),
        ({"challenger": math.nan}, "the share of 'challenger' is nan: give a number from 0 to 1"),
        ({"b": 0.6, "c": 0.5}, "the shares add up to 1.1: give challengers at most 1 in total"),
        (
            {"champion": 0.5},
            "'champion' is the champion and gets the rest: give the shares of challengers only",
        ),
    ],
)
def test_shares_that_cannot_be(shares: dict[str, float], message: str) -> None:
    assert error_of(Split, shares) == message
