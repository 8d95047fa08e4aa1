"""Expressions of both systems: the values that their documentation gives, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from operation.engine.pipelines.evaluation import evaluate, interpolate, mistakes
from operation.engine.pipelines.expressions import AZURE, GITHUB, ExpressionError, parse
from operation.engine.pipelines.results import statuses

AZURE_CONTEXTS: dict[str, Any] = {
    "variables": {"Build.SourceBranch": "refs/heads/main", "empty": "", "count": "3", "flag": "True"},
    "parameters": {"names": ["DEV", "TEST"], "map": {"a": "1"}, "on": True},
    "dependencies": {"train": {"result": "Succeeded", "outputs": {"gate.decision": "accepted"}}},
}
AZURE_TABLE = [
    ("eq(variables['Build.SourceBranch'], 'refs/heads/main')", True),
    ("eq(variables['build.sourcebranch'], 'REFS/HEADS/MAIN')", True),  # letter case does not count
    ("ne('a', 'A')", False),
    ("eq('True', true)", True),  # the right value becomes what the left one is
    ("eq(variables.flag, true)", True),
    ("eq(true, 'False')", True),  # any text but the empty one is true
    ("eq(true, '')", False),
    ("eq(3, variables.count)", True),
    ("eq(3, 'three')", False),
    ("eq('3', 3)", True),
    ("eq(variables.nothing, '')", True),
    ("and(true, 1)", True),
    ("and('', true)", False),
    ("and(true, true, false)", False),
    ("or(false, '', 0)", False),
    ("or(false, 'x')", True),
    ("xor(true, false)", True),
    ("xor(true, true)", False),
    ("not(0)", True),
    ("not('a')", False),
    ("in('B', 'A', 'b', 'C')", True),
    ("in('D', 'A', 'B', 'C')", False),
    ("notIn('D', 'A', 'B', 'C')", True),
    ("gt(5, 2)", True),
    ("ge(5, '5')", True),
    ("lt('a', 'B')", True),
    ("le(2, 1)", False),
    ("contains('ABCDE', 'BCD')", True),
    ("contains('ABCDE', 'bcx')", False),
    ("containsValue(parameters.names, 'test')", True),
    ("startsWith('ABCDE', 'ab')", True),
    ("endsWith('ABCDE', 'DE')", True),
    ("format('Hello {0} {1}', 'John', 'Doe')", "Hello John Doe"),
    ("format('literal left brace {{ and right brace }}')", "literal left brace { and right brace }"),
    ("coalesce(variables.nothing, variables.empty, 'c')", "c"),
    ("iif(eq(1, 1), 'yes', 'no')", "yes"),
    ("join(';', parameters.names)", "DEV;TEST"),
    ("split('a,b,c', ',')", ["a", "b", "c"]),
    ("length('fabrikam')", 8),
    ("length(parameters.names)", 2),
    ("lower('FOO')", "foo"),
    ("upper('bah')", "BAH"),
    ("trim('  x ')", "x"),
    (
        "replace('https://www.tinfoilsecurity.com/saml/consume', 'https://www.tinfoilsecurity.com', 'http://server')",
        "http://server/saml/consume",
    ),
    ("parameters.map.a", "1"),
    ("parameters['names'][1]", "TEST"),
    ("'It''s OK'", "It's OK"),
    ("-0.5", -0.5),
    ("dependencies.train.outputs['gate.decision']", "accepted"),
    ("and(succeeded(), eq(dependencies.train.result, 'Succeeded'))", True),
    ("failed()", False),
    ("succeededOrFailed()", True),
    ("canceled()", False),
    ("always()", True),
]
GITHUB_CONTEXTS: dict[str, Any] = {
    "github": {"ref": "refs/heads/main", "event": {"labels": [{"name": "bug"}, {"name": "urgent"}]}},
    "needs": {"train": {"result": "success", "outputs": {"decision": "accepted"}}},
    "env": {},
    "matrix": {"version": 3.5, "systems": ["a", "b"]},
}
GITHUB_TABLE = [
    ("github.ref == 'refs/heads/MAIN'", True),
    ("needs.train.outputs.decision == 'accepted' && success()", True),
    ("needs['train'].result != 'success'", False),
    ("github.nothing", None),
    ("github.nothing == ''", True),  # both become 0
    ("null == 0", True),
    ("true == '1'", True),
    ("'abc' == 1", False),  # not a number
    ("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", True),
    ("!(1 == 1) || 'x'", "x"),  # an operand, not true
    ("'' && 'never'", ""),
    ("env.NAME || 'default'", "default"),
    ("contains('Hello world', 'LLO')", True),
    ("contains(github.event.labels.*.name, 'bug')", True),
    ("contains(fromJSON('[\"push\", \"pull_request\"]'), 'push')", True),
    ("startsWith('Hello world', 'He')", True),
    ("endsWith('Hello world', 'ld')", True),
    ("format('Hello {0} {1} {2}', 'Mona', 'the', 'Octocat')", "Hello Mona the Octocat"),
    ("format('{{Hello {0}}}', 'Mona')", "{Hello Mona}"),
    ("join(matrix.systems, ', ')", "a, b"),
    ("toJSON(matrix.systems)", '[\n  "a",\n  "b"\n]'),
    ("fromJSON('{\"a\": [1, 2]}').a[1]", 2),
    ("0xff", 255),
    ("-2.99e-2", -0.0299),
    ("always() || failure() || cancelled()", True),
]


def test_there_are_many() -> None:
    assert len(AZURE_TABLE) + len(GITHUB_TABLE) >= 60


@pytest.mark.parametrize(("text", "value"), AZURE_TABLE)
def test_azure(text: str, value: object) -> None:
    assert evaluate(text, AZURE, AZURE_CONTEXTS, statuses({"train": "succeeded"})) == value


@pytest.mark.parametrize(("text", "value"), GITHUB_TABLE)
def test_github(text: str, value: object) -> None:
    assert evaluate(text, GITHUB, GITHUB_CONTEXTS, statuses({"train": "succeeded"})) == value


@pytest.mark.parametrize(
    ("ended", "expression", "holds"),
    [
        ("failed", "succeeded()", False),
        ("failed", "failed()", True),
        ("failed", "succeededOrFailed()", True),
        ("canceled", "succeededOrFailed()", False),
        ("canceled", "canceled()", True),
        ("skipped", "succeeded()", False),
        ("skipped", "always()", True),
        ("succeeded with warnings", "succeeded()", True),
        ("failed", "succeeded('other')", False),
    ],
)
def test_status(ended: str, expression: str, holds: bool) -> None:
    assert evaluate(expression, AZURE, {}, statuses({"train": ended})) is holds


@pytest.mark.parametrize(
    ("text", "dialect", "message"),
    [
        ("eq(1, 2", AZURE, "'eq(1, 2': expected ',', the expression ends, at position 8"),
        ("a == b", AZURE, "'a == b': '=' does not belong there, at position 3"),
        ("eq(1, 2))", AZURE, "'eq(1, 2))': ')' does not belong there, at position 9"),
        ("", GITHUB, "'': the expression ends too early, at position 1"),
        ('"text"', GITHUB, "'\"text\"': '\"' does not belong there, at position 1"),
        ("a.", GITHUB, "'a.': expected a name behind '.', at position 3"),
    ],
)
def test_unreadable(text: str, dialect: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, dialect)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "dialect", "message"),
    [
        ("suceeded()", AZURE, "there is no function 'suceeded'. Did you mean 'succeeded'?"),
        ("equals(1, 2)", AZURE, "there is no function 'equals'."),
        ("eq(1)", AZURE, "'eq' takes 2 arguments, found 1."),
        ("and(1)", AZURE, "'and' takes 2 or more arguments, found 1."),
        ("always(1)", AZURE, "'always' takes no arguments."),
        (
            "eq(variable.x, 1)",
            AZURE,
            "'variable' is not known here: expected variables. Did you mean 'variables'?",
        ),
        (
            "counter('a', 1)",
            AZURE,
            "function 'counter' is not covered by a local run: only its system can evaluate it.",
        ),
        ("sucess()", GITHUB, "there is no function 'sucess'. Did you mean 'success'?"),
        ("join()", GITHUB, "'join' takes 1 to 2 arguments, found 0."),
    ],
)
def test_mistakes(text: str, dialect: str, message: str) -> None:
    assert list(mistakes(parse(text, dialect), dialect, ["variables"])) == [message]


def test_an_expression_in_a_text_becomes_text_and_alone_keeps_its_type() -> None:
    assert interpolate("${{ parameters.on }}", AZURE, AZURE_CONTEXTS) is True
    assert interpolate("is ${{ parameters.on }}", AZURE, AZURE_CONTEXTS) == "is True"
    assert interpolate("${{ parameters.names }}", AZURE, AZURE_CONTEXTS) == ["DEV", "TEST"]
    assert interpolate("${{ github.ref }}-${{ true }}", GITHUB, GITHUB_CONTEXTS) == "refs/heads/main-true"
