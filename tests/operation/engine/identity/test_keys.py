"""Keys: every component counts, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.identity.keys import Components

BASE = Components("a.py", {"a.py": {"f": "1"}}, {"x": 1.0}, {"table": "d"}, "3.11.7", "l")


@pytest.mark.parametrize(
    "change",
    [
        {"script": "b.py"},
        {"sources": {"a.py": {"f": "2"}}},
        {"sources": {"a.py": {"f": "1"}, "b.py": {"f": "1"}}},
        {"arguments": {"x": 1.5}},
        {"arguments": {"x": "1.0"}},
        {"arguments": {"x": None}},
        {"inputs": {"table": "e"}},
        {"inputs": {"other": "d"}},
        {"python": "3.11.8"},
        {"lock": "m"},
    ],
)
def test_every_component_counts(change: dict[str, object]) -> None:
    assert replace(BASE, **change).key != BASE.key  # type: ignore[arg-type]


@given(
    st.dictionaries(
        st.text(max_size=5), st.floats(allow_nan=False) | st.text(max_size=5) | st.lists(st.integers())
    )
)
def test_the_order_of_arguments_does_not_count(arguments: dict[str, object]) -> None:
    backwards = dict(reversed(arguments.items()))
    assert replace(BASE, arguments=arguments).key == replace(BASE, arguments=backwards).key
