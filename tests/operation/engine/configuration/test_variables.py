"""References among variables."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from operation.engine.configuration.variables import (
    Variable,
    is_open,
    malformed,
    reference_problems,
    references,
    resolve,
    resolved,
    substitute,
    typed,
)

NAMES = [f"V{number}" for number in range(8)]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Draw who refers to whom."""
    return {name: draw(st.lists(st.sampled_from(NAMES), max_size=2)) for name in NAMES}


def raw(graph: Mapping[str, list[str]]) -> dict[str, Variable]:
    return {
        name: typed(f"{name.lower()}<{''.join(f'$({one})' for one in to)}>") for name, to in graph.items()
    }


def reaches_a_circle(name: str, graph: Mapping[str, list[str]], path: tuple[str, ...] = ()) -> bool:
    return name in path or any(reaches_a_circle(one, graph, (*path, name)) for one in graph[name])


def expected(name: str, graph: Mapping[str, list[str]]) -> str:
    return f"{name.lower()}<{''.join(expected(one, graph) for one in graph[name])}>"


@given(graphs())
def test_what_reaches_no_circle_is_resolved_and_nothing_else(graph: dict[str, list[str]]) -> None:
    found, problems = resolve(raw(graph))
    sound = [name for name in NAMES if not reaches_a_circle(name, graph)]
    assert list(found) == sound
    assert all(found[name].value == expected(name, graph) for name in sound)
    assert bool(problems) == (len(sound) < len(NAMES))


@given(graphs())
def test_every_circle_that_is_told_is_one(graph: dict[str, list[str]]) -> None:
    for name, messages in resolve(raw(graph))[1].items():
        for message in messages:
            path = message.removeprefix("refers to itself: ").split(". Give")[0].split(" -> ")
            assert path[0] == path[-1] == name
            assert all(later in graph[earlier] for earlier, later in pairwise(path))


@given(graphs(), st.permutations(NAMES))
def test_the_order_of_the_file_does_not_count(graph: dict[str, list[str]], order: list[str]) -> None:
    variables = raw(graph)
    assert resolve({name: variables[name] for name in order})[0] == resolve(variables)[0]


@given(graphs())
def test_resolving_again_changes_nothing(graph: dict[str, list[str]]) -> None:
    found, _ = resolve(raw(graph))
    assert resolve(found) == (found, {})


@given(st.text())
def test_any_text_is_fine_or_its_mistakes_are_named(text: str) -> None:
    if not reference_problems(text, {}):
        assert substitute(text, {}) == Variable(text, text)


def test_a_reference_alone_takes_the_type_a_part_takes_the_letters() -> None:
    found, _ = resolve({"VERSION": typed("1.10"), "ALONE": typed("$(VERSION)"), "PART": typed("v$(VERSION)")})
    assert found["ALONE"].value == 1.1
    assert found["PART"].value == "v1.10"


def test_a_chain_may_be_long() -> None:
    chain = {f"V{number}": typed(f"$(V{number + 1})") for number in range(3000)} | {"V3000": typed("end")}
    assert resolve(chain)[0]["V0"].value == "end"


def test_all_mistakes_of_a_value_are_named() -> None:
    value = "$(RATE) ${RATE} $(RAET) $(A B) ${{ x }} $[x] $("
    assert references(value) == ["RATE", "RAET"]
    assert malformed(value) == ["${RATE}", "$(A B)", "${{ x }}", "$[x]", "$("]
    assert reference_problems("$(RAET)-$(OTHER)", ["RATE"], "DEV.yml") == [
        "$(RAET) is undefined: DEV.yml declares no variable of that name. Did you mean 'RATE'?",
        "$(OTHER) is undefined: DEV.yml declares no variable of that name.",
    ]


def test_what_refers_to_something_unusable_is_no_mistake_of_its_own() -> None:
    assert resolve({"A": typed("$(B)")}, declared=["B"]) == ({}, {})


def test_values_inside_lists_and_mappings() -> None:
    value = {"a": ["$(N)", 1, "n$(N)", "$(GONE)"]}
    assert resolved(value, {"N": typed("5")}) == {"a": [5, 1, "n5", "$(GONE)"]}
    assert is_open(["x", "$(GONE)"])
    assert not is_open(["x", 1, None])
