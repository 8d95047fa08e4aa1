"""Grids and ranges as they are typed, and the points that come of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.foundation.errors import UsageError
from operation.engine.sweeps.grid import points, read_grid


def test_the_last_axis_changes_fastest() -> None:
    found = points(read_grid(["a=1,2", "b=x,y"]))
    assert [tuple(one.values()) for one in found] == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]


def test_a_list_is_one_value() -> None:
    assert read_grid(["skip=[a, b],[c]"])[0].values == ("[a, b]", "[c]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "--grid a: expected name=value,value,... or name=low..high."),
        ("=1", "--grid =1: expected name=value,value,... or name=low..high."),
        ("a=", "--grid a=: expected name=value,value,... or name=low..high."),
        ("a=1,,2", "--grid a=1,,2: a value is missing between two commas."),
        ("a=2..1", "--grid a=2..1: the range begins at 2, which is not below 1."),
        ("a=log:0..1", "--grid a=log:0..1: a logarithmic range begins above 0."),
        ("a=x..1", "--grid a=x..1: expected a number at each end of a range, found 'x'."),
        ("a=0..inf", "--grid a=0..inf: expected a number at each end of a range, found 'inf'."),
    ],
)
def test_what_cannot_be_read_is_told(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read_grid([text])
    assert str(error.value) == said


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(UsageError) as error:
        read_grid(["a", "b=1", "b=2"])
    assert str(error.value).splitlines()[1] == (
        "--grid b=2: 'b' was given before: name all its values at once."
    )


def test_a_range_and_too_many_points_ask_for_random() -> None:
    with pytest.raises(UsageError, match=r"--grid a: a range has no end of values: .* --random\."):
        points(read_grid(["a=0..1"]))
    many = ",".join(map(str, range(200)))
    with pytest.raises(UsageError) as error:
        points(read_grid([f"a={many}", f"b={many}"]))
    assert str(error.value) == ("40,000 points: expected at most 10,000. Draw some of them with --random.")


def test_a_seed_draws_the_same_points_and_another_seed_others() -> None:
    axes = read_grid([f"a={','.join(map(str, range(50)))}", "b=x,y"])
    first = points(axes, 10, seed=1)
    assert first == points(axes, 10, seed=1) != points(axes, 10, seed=2)
    assert len({tuple(one.values()) for one in first}) == 10


def test_more_points_than_there_are_is_all_of_them() -> None:
    assert len(points(read_grid(["a=1,2", "b=x,y"]), 100)) == 4
    assert len(points(read_grid(["a=1..3"]), 100)) == 3


@given(
    low=st.floats(1e-3, 1e3),
    factor=st.floats(1.1, 1e3),
    log=st.booleans(),
    count=st.integers(1, 20),
    seed=st.integers(0, 2**32),
)
def test_what_is_drawn_lies_in_the_range(low: float, factor: float, log: bool, count: int, seed: int) -> None:
    high = low * factor
    axes = read_grid([f"a={'log:' if log else ''}{low!r}..{high!r}"])
    drawn = [float(one["a"]) for one in points(axes, count, seed)]
    assert len(drawn) == len(set(drawn)) <= count
    assert all(low * 0.999 <= value <= high * 1.001 for value in drawn)


@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_text_is_read_or_refused_in_words(texts: list[str]) -> None:
    found, refused = [], ""
    try:
        found = read_grid(texts)
    except UsageError as error:
        refused = str(error)
    assert len({axis.name for axis in found}) == len(texts) or refused.startswith("--grid ")
