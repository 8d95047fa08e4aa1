"""Steps of a use case: what is missing upstream is executed, what is there is reused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

from operation.engine import configuration
from operation.engine.foundation import run_folder
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.steps.runners import child_process, in_process
from operation.engine.steps.session import Session
from operation.engine.steps.step import Plan, Runner
from tests.operation.engine.conftest import write


def _session(layout: Layout, run_script: Runner = in_process) -> Session:
    return Session(configuration.load(layout=layout), layout, run_script)


def test_what_is_missing_upstream_is_executed_and_then_reused(tiny: Layout) -> None:
    first = _session(tiny).step("double")
    assert (first.how, first.metrics) == ("executed", {"doubled": 10.0})
    assert _session(tiny).step("count").how == "reused"
    assert _session(tiny).step("double").how == "reused"


@pytest.mark.parametrize("run_script", [in_process, child_process])
def test_every_way_of_running_has_one_key_and_one_content(tiny: Layout, run_script: Runner) -> None:
    expected = _session(tiny).step("double")
    found = _session(tiny, run_script).step("double", fresh=True)
    assert found.how == "executed"
    assert found.plan.key == expected.plan.key
    assert found.entry.manifest["outputs"] == expected.entry.manifest["outputs"]


@pytest.mark.parametrize(
    ("file", "old", "new", "executed"),
    [
        ("src/words.py", "sum(1", "sum(2", ["count", "double"]),
        ("src/words.py", "def letters", "# a comment\ndef letters", []),
        ("src/double.py", "count * 2", "count * 3", ["double"]),
        ("data/text.txt", "abc de", "abc def", ["count", "double"]),
        ("data/text.txt", "abc de", "abd de", ["count"]),  # the same count: double reads the same bytes
        ("configuration/configuration-DEV.yml", "FACTOR: 1", "FACTOR: 2", ["count", "double"]),
        ("configuration/configuration-DEV.yml", "FACTOR: 1", "FACTOR: 1.0", []),
        ("requirements.lock", "one==1.0", "one==1.1", ["count", "double"]),
        ("requirements.lock", "one==1.0", "one==1.0  # via two", []),
    ],
)
def test_exactly_what_a_change_concerns_is_executed_again(
    tiny: Layout, file: str, old: str, new: str, executed: list[str]
) -> None:
    _session(tiny).step("double")
    path = tiny.root / file
    path.write_text(path.read_text().replace(old, new))
    session = _session(tiny)
    hows = {name: session.step(name).how for name in ("count", "double")}
    assert [name for name, how in hows.items() if how == "executed"] == executed


def test_given_values_win_over_configured_ones_and_none_stands_for_configured(tiny: Layout) -> None:
    session = _session(tiny)
    assert session.step("count", {"factor": 3, "skip": ["a"]}).metrics == {"letters": 12.0}
    assert session.step("count", {"factor": None}).metrics == {"letters": 5.0}


def test_an_input_may_be_a_path(tiny: Layout) -> None:
    path = write(tiny, "elsewhere.txt", "abcdefg")
    assert _session(tiny).step("count", {"text": path}).metrics == {"letters": 7.0}


@pytest.mark.parametrize(
    ("step", "given", "message"),
    [
        (
            "cuont",
            {},
            "the use case 'tiny' has no step 'cuont'. Did you mean 'count'? It has: count, double.",
        ),
        ("count", {"facktor": 1}, "count.py has no argument 'facktor'. Did you mean 'factor'?"),
        ("count", {"factor": "x"}, "count.py --factor: expected a number, found 'x'."),
        (
            "double",
            {"mode": "sqare"},
            "double.py --mode: expected one of plain, square, found 'sqare', perhaps for 'square'.",
        ),
    ],
)
def test_a_wrong_call_says_what_is_right(
    tiny: Layout, step: str, given: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        _session(tiny).step(step, given)


def test_an_input_that_does_not_exist_is_named(tiny: Layout) -> None:
    with pytest.raises(UsageError, match=r"input 'text': .*none\.txt does not exist\."):
        _session(tiny).step("count", {"text": "none.txt"})


def test_an_exception_of_a_script_comes_through_in_a_notebook(tiny: Layout) -> None:
    write(tiny, "data/text.txt", "123")
    with pytest.raises(ValueError, match="nothing to double"):
        _session(tiny).step("double")


def test_a_failing_child_names_the_line_of_the_script(tiny: Layout) -> None:
    write(tiny, "data/text.txt", "123")
    line = 1 + (tiny.src / "double.py").read_text().splitlines().index(
        '        raise ValueError("nothing to double")'
    )
    with pytest.raises(StepFailed, match=f"^src/double.py:{line}: ValueError: nothing to double$"):
        _session(tiny, child_process).step("double")
    assert not list((tiny.store / ".partial").iterdir())


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise KeyError('lost')", "KeyError: 'lost'"),
        ("raise ValueError", "ValueError"),
        ("raise ValueError('one\\nerror: two\\n\\nthree')", "ValueError: one\nerror: two\n\nthree"),
        (
            "raise ExceptionGroup('several', [ValueError('one'), KeyError('two')])",
            "ExceptionGroup: several (2 sub-exceptions)",
        ),
        ("raise type('OddError', (Exception,), {})('odd')", "OddError: odd"),
    ],
)
def test_a_failing_child_has_the_type_and_the_whole_message(tiny: Layout, code: str, told: str) -> None:
    script = tiny.src / "double.py"
    script.write_text(script.read_text().replace("    if count == 0:", f"    {code}\n    if count == 0:"))
    with pytest.raises(StepFailed) as caught:
        _session(tiny, child_process).step("double")
    assert str(caught.value) == f"src/double.py:19: {told}"


def test_a_script_that_leaves_out_an_output_is_told_so(tiny: Layout) -> None:
    script = tiny.src / "double.py"
    script.write_text(script.read_text().replace("    if count == 0:", "    return\n    if count == 0:"))
    with pytest.raises(StepFailed, match=r"double\.py ended without writing its output result\."):
        _session(tiny).step("double")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("src/words.py", "def letters(text, skip):\n    return 1\n", "src/words.py: letters() changed"),
        ("data/text.txt", "other", r"input text has other content \(\w+ -> \w+\)"),
    ],
)
def test_what_was_edited_while_it_ran_is_not_kept(tiny: Layout, name: str, text: str, said: str) -> None:
    def edit_and_run(planned: Plan, outputs: Path) -> None:
        in_process(planned, outputs)
        write(tiny, name, text)

    expected = f"{said} while count was executed: which version gave its outputs is unknown"
    with pytest.raises(StepFailed, match=expected.replace("()", r"\(\)")):
        _session(tiny, edit_and_run).step("count")
    assert _session(tiny).step("count").how == "executed"


def test_the_suffix_of_an_input_counts(tiny: Layout) -> None:
    """Scripts choose a reader by it."""
    for name in ("data/a.csv", "data/a.txt"):
        assert _session(tiny).step("count", {"text": write(tiny, name, "abc")}).how == "executed"
    assert _session(tiny).step("count", {"text": write(tiny, "data/b.txt", "abc")}).how == "reused"


def test_a_run_keeps_a_record_of_each_step_and_its_overrides_hold(
    tiny: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_folder.new(tiny.runs, "tiny", "DEV")
    (folder.path / "overrides.json").write_text(json.dumps({"count": {"factor": 10}}))
    monkeypatch.setenv(run_folder.VARIABLE, str(folder.path))
    assert _session(tiny).step("double").metrics == {"doubled": 100.0}
    assert [(one["step"], one["how"]) for one in folder.records()] == [
        ("count", "executed"),
        ("double", "executed"),
    ]


def test_a_fresh_run_executes_every_step_once(tiny: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    _session(tiny).step("double")
    folder = run_folder.new(tiny.runs, "tiny", "DEV")
    (folder.path / "fresh").mkdir()
    monkeypatch.setenv(run_folder.VARIABLE, str(folder.path))
    session = _session(tiny)
    for name in ("double", "count", "double"):
        session.step(name)
    executed = [one["step"] for one in folder.records() if one["how"] == "executed"]
    assert executed == ["count", "double"]


EFFECT = """
    def effects_stand(args):
        mark = Path("mark.txt")
        return mark.exists() and mark.read_text() == str(args.factor)

    def build_parser():
"""


def test_what_a_step_did_elsewhere_is_looked_at_and_made_good(tiny: Layout) -> None:
    script = tiny.src / "count.py"
    text = script.read_text().replace("def build_parser():\n", dedent(EFFECT))
    text = text.replace(
        "    return parser\n", "    parser.set_defaults(effects_stand=effects_stand)\n    return parser\n"
    )
    script.write_text(
        text.replace(
            "    folder.mkdir()\n", "    folder.mkdir()\n    Path('mark.txt').write_text(str(args.factor))\n"
        )
    )
    mark = tiny.root / "mark.txt"
    for factor in (1, 2):
        assert _session(tiny).step("count", {"factor": factor}).how == "executed"
    assert _session(tiny).step("count", {"factor": 2}).how == "reused"
    assert _session(tiny).step("count", {"factor": 1}).how == "executed"
    assert mark.read_text() == "1.0"
    mark.unlink()
    assert _session(tiny).step("count", {"factor": 1}).how == "executed"
    assert mark.exists()


def test_what_decides_only_how_fast_a_step_is_is_no_part_of_its_key(tiny: Layout) -> None:
    script = tiny.src / "count.py"
    script.write_text(
        script.read_text().replace(
            "    return parser\n",
            "    parser.add_argument('--known', type=input_path)\n"
            "    parser.set_defaults(same_bytes=('loud', 'known'))\n    return parser\n",
        )
    )
    known = write(tiny, "data/known.txt", "fast")
    assert _session(tiny).step("count").how == "executed"
    assert _session(tiny).step("count", {"loud": True, "known": known}).how == "reused"
    assert _session(tiny).step("count", {"factor": 2, "known": known}).how == "executed"
    known.unlink()
    assert _session(tiny).step("count", {"factor": 2}).how == "reused"


@pytest.mark.parametrize("run_script", [in_process, child_process])
def test_a_file_that_a_script_opened_unasked_counts(tiny: Layout, run_script: Runner) -> None:
    words = tiny.src / "words.py"
    words.write_text(
        words.read_text().replace("return sum", "text += open('data/extra.txt').read()\n    return sum")
    )
    write(tiny, "data/extra.txt", "xy")
    assert _session(tiny, run_script).step("count").metrics == {"letters": 7.0}
    assert _session(tiny, run_script).step("count").how == "reused"
    write(tiny, "data/extra.txt", "xyz")
    found = _session(tiny, run_script).step("count")
    assert (found.how, found.metrics) == ("executed", {"letters": 8.0})
