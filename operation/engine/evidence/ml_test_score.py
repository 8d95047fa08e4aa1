"""The ML Test Score (Breck et al., IEEE Big Data 2017): 28 tests in four sections, each with its evidence.

A test that is automated and passes gives a point, one that is done by hand and documented half a point. The
score is the smallest of the four sums, 7 at most.
"""

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from pydantic import Field, ValidationError

from operation.engine.configuration.documents import Document, read_document
from operation.engine.configuration.messages import explain
from operation.engine.configuration.models import Strict
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import ConfigurationError, Problem
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean

FILE = "ml-test-score.yml"
SECTIONS = {
    "data": (
        "what each feature may look like is written in a schema",
        "each feature is shown to help",
        "no feature costs more than it gives",
        "features keep to rules about what may be used",
        "privacy is controlled on the whole path of the data, deletion too",
        "a new feature gets in quickly",
        "all code of features is tested",
    ),
    "model": (
        "every model specification is reviewed and in version control",
        "offline metrics go with online ones",
        "hyperparameters were tuned",
        "what an old model costs is known",
        "a simpler model was tried and is not better",
        "quality holds on the slices that matter",
        "fairness was checked",
    ),
    "infrastructure": (
        "training twice gives the same",
        "model code is unit-tested",
        "the whole pipeline is integration-tested",
        "quality is checked before serving",
        "one example can be followed step by step",
        "a canary comes before full traffic",
        "rollback works and is practised",
    ),
    "monitoring": (
        "changes of dependencies are announced",
        "invariants of inputs hold in training and serving",
        "training and serving compute the same features",
        "the model is not too old",
        "no value is missing or infinite unnoticed",
        "speed, latency and memory have not got worse",
        "prediction quality on live data has not got worse",
    ),
}
TESTS = {
    f"{section}-{number}": text for section, texts in SECTIONS.items() for number, text in enumerate(texts, 1)
}


class Evidence(Strict):
    """What shows that one of the 28 tests is passed."""

    tests: list[str] = Field(default_factory=list)  # tests/file.py::test_name
    records: list[str] = Field(default_factory=list)  # runs/file.json#field.field, which must hold something
    manual: str | None = None  # file, and what was done by hand
    missing: str | None = None


class Point(NamedTuple):
    """One of the 28 tests, judged."""

    name: str  # data-1
    text: str
    points: float
    links: list[str]
    missing: str  # what a whole point lacks; empty where there is one


def read_evidence(layout: Layout) -> dict[str, Evidence]:
    """Return the evidence that the project names.

    Raises
    ------
    ConfigurationError
        With every key that is none of the 28 tests, and every link to what is not there.
    """
    path = layout.configuration / FILE
    document, problems = read_document(path, layout.relative(path))
    if document is None:
        raise ConfigurationError(problems)
    found: dict[str, Evidence] = {}
    for name, content in document.data.items():
        if name not in TESTS:
            hint = did_you_mean(name, TESTS)
            problems.append(document.problem((name,), f"'{name}' is none of the 28 tests.{hint}"))
            continue
        try:
            found[name] = Evidence.model_validate(content or {})
        except ValidationError as error:
            problems += list(_explained(document, name, error))
    problems += [problem for name in found for problem in _broken(layout, document, name, found[name])]
    if problems:
        raise ConfigurationError(problems)
    return found


def _explained(document: Document, name: str, error: ValidationError) -> Iterator[Problem]:
    for mistake in error.errors(include_url=False):
        key = ".".join(map(str, mistake["loc"]))
        message = explain(mistake, f"'{key}' of '{name}'", f" in '{name}'", Evidence)
        yield document.problem((name, *mistake["loc"]), message)


def _broken(layout: Layout, document: Document, name: str, evidence: Evidence) -> Iterator[Problem]:
    """Yield the links that lead nowhere; a record that was not written yet is no mistake."""
    for index, test in enumerate(evidence.tests):
        if not _is_test(layout, test):
            expected = "expected tests/<file>.py::<test>"
            yield document.problem((name, "tests", index), f"there is no test '{test}': {expected}.")
    file = (evidence.manual or "").partition(":")[0]
    if evidence.manual and not (layout.root / file).is_file():
        message = f"'manual' begins with '{file}', which is no file: expected <file>: <what was done>."
        yield document.problem((name, "manual"), message)


def _is_test(layout: Layout, test: str) -> bool:
    file, _, function = test.partition("::")
    path = layout.root / file
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body)


def passed(junit: Path) -> dict[str, bool]:
    """Return of each test in a record of pytest whether all its cases passed; skipped ones did not."""
    if not junit.is_file():
        return {}
    results: dict[str, bool] = {}
    for case in ET.parse(junit).iter("testcase"):  # noqa: S314 - pytest wrote it, just now
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        results[test] = results.get(test, True) and not len(case.findall("*[@message]"))
    return results


def judge(layout: Layout, evidence: Mapping[str, Evidence], results: Mapping[str, bool]) -> list[Point]:
    """Return the 28 tests with their points.

    Parameters
    ----------
    results : mapping of str to bool
        As `passed` returns them.
    """
    return [_point(layout, name, evidence.get(name, Evidence()), results) for name in TESTS]


def _point(layout: Layout, name: str, evidence: Evidence, results: Mapping[str, bool]) -> Point:
    automated = [*evidence.tests, *evidence.records]
    failed = [test for test in evidence.tests if not results.get(test)]
    failed += [record for record in evidence.records if not _holds(layout, record)]
    if automated and not failed:
        return Point(name, TESTS[name], 1.0, automated, "")
    missing = evidence.missing or "evidence: a test that passes, or a record of a check"
    if failed:
        missing = "; ".join(f"{link} {_why(link, results)}" for link in failed)
    if evidence.manual:
        return Point(name, TESTS[name], 0.5, [evidence.manual], missing)
    return Point(name, TESTS[name], 0.0, [], missing)


def _why(link: str, results: Mapping[str, bool]) -> str:
    if "::" not in link:
        return "is not there or holds nothing"
    return "failed or was skipped" if link in results else "was not run"


def _holds(layout: Layout, record: str) -> bool:
    """Return whether a record holds something in its field."""
    file, _, field = record.partition("#")
    content: Any = manifest.read(layout.root / layout.in_runs(file))
    for key in filter(None, field.split(".")):
        content = content.get(key) if isinstance(content, dict) else None
    return bool(content)


def sums(points: Sequence[Point]) -> dict[str, float]:
    """Return the sum of each section."""
    return {
        section: sum(point.points for point in points if point.name.startswith(f"{section}-"))
        for section in SECTIONS
    }


def as_json(points: Sequence[Point]) -> str:
    """Return points, sums and score as JSON."""
    total = sums(points)
    content = {
        "score": min(total.values()),
        "sections": total,
        "tests": [point._asdict() for point in points],
    }
    return json.dumps(content, indent=1)
