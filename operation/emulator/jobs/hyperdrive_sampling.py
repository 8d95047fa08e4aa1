"""Values of hyperparameters, drawn from the expressions that the SDK writes."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from operation.emulator.http import HttpError

Space = Mapping[str, Any]
METHODS = ("grid", "random", "bayesianoptimization")
PATIENCE = 100  # draws in a row that give nothing new: the space has no more


def samples(method: str, space: Space, seed: object) -> Iterator[dict[str, Any]]:
    """Yield combinations of values: all of a grid in order, else as many as are taken, none twice.

    Bayesian sampling draws at random here: it too would have seen nothing yet when it starts.
    """
    if method.lower() not in METHODS:
        raise HttpError(f"sampling {method!r} is unknown; the emulator samples by {', '.join(METHODS)}")
    if method.lower() == "grid":
        yield from _grid(space)
        return
    draw = random.Random(str(seed))  # noqa: S311 - hyperparameters, no secrets
    earlier: list[dict[str, Any]] = []
    repeated = 0
    while repeated < PATIENCE:
        sample = {name: _drawn(name, expression, draw) for name, expression in space.items()}
        repeated = repeated + 1 if sample in earlier else 0
        if not repeated:
            earlier.append(sample)
            yield sample


def _grid(space: Space) -> Iterator[dict[str, Any]]:
    for name, (kind, _) in space.items():
        if kind != "choice":
            raise HttpError(f"{name}: a grid is made of choices, not of {kind}")
    options = [arguments[0] for _, arguments in space.values()]
    for values in itertools.product(*options):
        yield dict(zip(space, values, strict=True))


def _drawn(name: str, expression: Any, draw: random.Random) -> Any:
    kind, arguments = expression
    if kind == "choice":
        return draw.choice(arguments[0])
    if kind == "randint":
        return draw.randrange(arguments[0])
    if kind.startswith("q"):
        *plain, step = arguments
        return round(_number(name, kind[1:], plain, draw) / step) * step
    return _number(name, kind, arguments, draw)


def _number(name: str, kind: str, arguments: list[float], draw: random.Random) -> float:
    """Return a number; for the kinds of which the logarithm is drawn, the bounds are logarithms."""
    first, second = arguments
    plain = kind.removeprefix("log")
    if plain not in ("uniform", "normal"):
        raise HttpError(f"{name}: the expression {kind!r} is unknown")
    value = draw.uniform(first, second) if plain == "uniform" else draw.gauss(first, second)
    return math.exp(value) if kind.startswith("log") else value
