"""What ``--grid`` says: values to combine, or ranges to draw from."""

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from operation.engine.foundation.errors import UsageError

MOST = 10_000  # points of one sweep: a larger grid is most likely a mistake
_TRIES = 50  # draws for each point, until a small range counts as exhausted
_RANGE = re.compile(r"(?P<log>log:)?(?P<low>[^,\[\]]+?)\.\.(?P<high>[^,\[\]]+)")
_BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}

Values = dict[str, str]


@dataclass(frozen=True)
class Axis:
    """One parameter that is varied."""

    name: str  # a parameter of the notebook, or ``step.argument``
    values: tuple[str, ...] = ()  # as typed; empty for a range
    low: float = 0.0  # of a range, included as `high` is
    high: float = 0.0
    log: bool = False  # draw uniformly in the logarithm
    whole: bool = False  # draw whole numbers: both ends were typed as such

    @property
    def is_range(self) -> bool:
        """Whether values are drawn."""
        return not self.values

    @property
    def examples(self) -> tuple[str, ...]:
        """Values that stand for all of them when they are checked: those typed, or the ends of the range."""
        return self.values or (self._written(self.low), self._written(self.high))

    def draw(self, source: random.Random) -> str:
        """Return one value."""
        if self.values:
            return source.choice(self.values)
        share = source.random()
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        elif self.whole:
            return str(source.randint(int(self.low), int(self.high)))
        else:
            value = self.low + share * (self.high - self.low)
        return self._written(value)

    def _written(self, value: float) -> str:
        """Write few digits: a person reads, types and compares them."""
        return str(round(value)) if self.whole else repr(float(f"{value:.4g}"))


def read_grid(texts: Sequence[str]) -> list[Axis]:
    """Read ``name=value,value``, ``name=low..high`` or ``name=log:low..high``; raise all problems at once."""
    axes: list[Axis] = []
    problems: list[str] = []
    for text in texts:
        try:
            axis = _axis(text)
        except ValueError as error:
            problems.append(f"--grid {text}: {error}.")
            continue
        if axis.name in [other.name for other in axes]:
            problems.append(f"--grid {text}: '{axis.name}' was given before: name all its values at once.")
        axes.append(axis)
    if problems:
        raise UsageError("\n".join(problems))
    return axes


def _axis(text: str) -> Axis:
    name, equals, rest = text.partition("=")
    if not equals or not name or not rest.strip():
        raise ValueError("expected name=value,value,... or name=low..high")
    match = _RANGE.fullmatch(rest.strip())
    if match:
        return _range(name, match)
    values = [value.strip() for value in _parts(rest)]
    if not all(values):
        raise ValueError("a value is missing between two commas")
    return Axis(name, tuple(dict.fromkeys(values)))


def _range(name: str, match: re.Match[str]) -> Axis:
    low, high = (_number(match[end]) for end in ("low", "high"))
    if not low < high:
        raise ValueError(f"the range begins at {match['low']}, which is not below {match['high']}")
    log = match["log"] is not None
    if log and low <= 0:
        raise ValueError("a logarithmic range begins above 0")
    whole = all(re.fullmatch(r"[+-]?\d+", match[end].strip()) for end in ("low", "high"))
    return Axis(name, (), low, high, log, whole)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"expected a number at each end of a range, found '{text}'") from None
    if not math.isfinite(value):
        raise ValueError(f"expected a number at each end of a range, found '{text}'")
    return value


def _parts(text: str) -> Iterator[str]:
    """Yield what stands between commas, but for those inside brackets: a list is one value."""
    depth, begin = 0, 0
    for at, character in enumerate(text):
        depth += _BRACKETS.get(character, 0)
        if character == "," and depth == 0:
            yield text[begin:at]
            begin = at + 1
    yield text[begin:]


def points(axes: Sequence[Axis], count: int | None = None, seed: int = 0) -> list[Values]:
    """Return the points of a grid, or `count` different points drawn from it, the same ones for a `seed`.

    Raises
    ------
    UsageError
        A range without `count`, or more points than a sweep may have.
    """
    ranges = [axis for axis in axes if axis.is_range]
    total = math.prod(len(axis.values) for axis in axes if not axis.is_range)
    if count is None and ranges:
        name = ranges[0].name
        raise UsageError(f"--grid {name}: a range has no end of values: say how many with --random.")
    if (total if count is None else count) > MOST:
        raise UsageError(
            f"{total if count is None else count:,} points: expected at most {MOST:,}. "
            "Draw some of them with --random."
        )
    if count is None:
        return [_at(axes, number) for number in range(total)]
    source = random.Random(seed)  # noqa: S311 - points of an experiment, no secrets
    if not ranges:
        chosen = source.sample(range(total), min(count, total))
        return [_at(axes, number) for number in sorted(chosen)]
    return _drawn(axes, count, source)


def _at(axes: Sequence[Axis], number: int) -> Values:
    """Return point `number` of the grid; the last axis changes fastest."""
    values: Values = {}
    for axis in reversed(axes):
        number, at = divmod(number, len(axis.values))
        values[axis.name] = axis.values[at]
    return {axis.name: values[axis.name] for axis in axes}


def _drawn(axes: Sequence[Axis], count: int, source: random.Random) -> list[Values]:
    drawn: dict[tuple[str, ...], Values] = {}
    for _ in range(count * _TRIES):
        values = {axis.name: axis.draw(source) for axis in axes}
        drawn.setdefault(tuple(values.values()), values)
        if len(drawn) == count:
            break
    return list(drawn.values())
