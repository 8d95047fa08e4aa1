"""A sweep before it starts: every point checked as ``run -p`` would check it, none of them twice."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from operation.engine.evidence.reports.wording import text as written
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.assignments import Assignments, assign
from operation.engine.runs.request import Prepared, prepare
from operation.engine.runs.reuse import Notebooks, Recalled
from operation.engine.sweeps.grid import Axis, points, read_grid
from operation.engine.sweeps.request import SweepRequest


@dataclass(frozen=True)
class Point:
    """One execution of the notebook."""

    number: int  # from 1, in the order of the grid
    values: Mapping[str, object]  # what is varied -> its value here, as it was understood
    prepared: Prepared  # the run that this point is

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"point-{self.number:03d}"

    @property
    def text(self) -> str:
        """Its values as a person types them."""
        return " ".join(f"{name}={written(value)}" for name, value in self.values.items())


@dataclass(frozen=True)
class Sweep:
    """A sound request with all its points; nothing has started yet."""

    request: SweepRequest
    axes: Sequence[Axis]  # what is varied
    prepared: Prepared  # what all points have in common
    points: Sequence[Point]  # in the order of the grid, no two the same
    merged: int  # points that repeat another one in a different spelling
    identity: str  # digest of the request and of all that its outputs depend on

    @property
    def notebook(self) -> str:
        """The notebook's name."""
        return self.prepared.notebooks[0].name

    @property
    def source(self) -> Path:
        """The notebook."""
        return self.prepared.sources[self.notebook]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.notebook}-{self.prepared.configured.environment}-{self.identity[:8]}"

    def folder(self, layout: Layout) -> Path:
        """Return the folder of the sweep."""
        return layout.runs / "sweeps" / self.name


def plan_sweep(layout: Layout, request: SweepRequest) -> Sweep:
    """Check everything that can be checked before anything starts; raise all mistakes at once."""
    axes = read_grid(request.grid)
    prepared = _prepared(layout, request)
    _check(prepared, axes, request.given)
    all_points = [_point(prepared, request, values) for values in points(axes, request.random, request.seed)]
    distinct: dict[str, Point] = {}
    for point in all_points:
        distinct.setdefault(_meaning(point.prepared.assignments), point)
    numbered = [replace(point, number=number) for number, point in enumerate(distinct.values(), 1)]
    identity = _identity(layout, request, prepared, numbered)
    return Sweep(request, axes, prepared, numbered, len(all_points) - len(numbered), identity)


def known(layout: Layout, sweep: Sweep) -> dict[int, Recalled]:
    """Return the points that need no execution, by number: some run, of a sweep or not, did the same."""
    if sweep.request.fresh:
        return {}
    recalled_points = {
        point.number: Notebooks(layout, point.prepared).find(sweep.notebook) for point in sweep.points
    }
    return {number: recalled for number, recalled in recalled_points.items() if recalled}


def _prepared(layout: Layout, request: SweepRequest) -> Prepared:
    try:
        return prepare(layout, request.at(()))
    except UsageError as error:  # `prepare` names the option of `run`
        raise UsageError(str(error).replace("--notebook ", "", 1)) from error


def _check(prepared: Prepared, axes: Sequence[Axis], given: Sequence[str]) -> None:
    problems = list(_problems(prepared, axes, given))
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))


def _problems(prepared: Prepared, axes: Sequence[Axis], given: Sequence[str]) -> Iterator[str]:
    fixed = [text.partition("=")[0] for text in given]
    sources = list(prepared.sources.values())
    for axis in axes:
        if axis.name in fixed:
            yield f"--grid {axis.name}: -p gives it one value: vary it or fix it, not both."
        try:
            examples = [f"{axis.name}={value}" for value in axis.examples]
            assign(prepared.configured, sources, examples, option="--grid")
        except UsageError as error:
            yield from str(error).splitlines()


def _point(prepared: Prepared, request: SweepRequest, values: Mapping[str, str]) -> Point:
    given = [f"{name}={value}" for name, value in values.items()]
    whole = request.at(given)
    assignments = assign(prepared.configured, list(prepared.sources.values()), whole.given)
    here = replace(prepared, request=whole, assignments=assignments)
    return Point(0, {name: _understood(assignments, name) for name in values}, here)


def _understood(assignments: Assignments, name: str) -> object:
    step, dot, argument = name.partition(".")
    if dot:
        return assignments.overrides[step][argument.replace("_", "-")]
    return next(values[name] for values in assignments.parameters.values() if name in values)


def _meaning(assignments: Assignments) -> str:
    """Return what two spellings of the same point share: 0.1 and 0.10, 1 and 1.0."""
    return json.dumps([_plain(assignments.parameters), _plain(assignments.overrides)], sort_keys=True)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _identity(layout: Layout, request: SweepRequest, prepared: Prepared, distinct: Sequence[Point]) -> str:
    values = [dict(point.values) for point in distinct]
    base = Notebooks(layout, prepared).key(prepared.notebooks[0].name)
    again = _token() if request.fresh else ""
    parts = [base, values, list(request.given), again]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _token() -> str:
    """Return what no other sweep has: one that executes everything again does not go on with an older one."""
    return secrets.token_hex(8)
