"""What a person chooses of a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path

from operation.engine.errors import UsageError
from operation.engine.nearest import did_you_mean, listed

NOTEBOOK = "03-train-model"
_LEAVES = ("15", "31")


@dataclass(frozen=True)
class Options:
    """The choices; each has a default.

    Parameters
    ----------
    notebook : str, default="03-train-model"
        The notebook of ``notebooks``, ``sweep`` and ``render``; those before it have been executed already.
    points : int, default=10
        Points of the sweep.
    workers : int, default=2
        Points at the same time.
    grid : mapping, optional
        Parameter -> its values as they are typed, in the place of `points` of learning rate and leaves.
    executed : Path, optional
        The executed notebook to render; by default one of 50 kB is made of the project's.
    renders : int, default=30
        Renders in one warm process, of which the median counts.
    """

    notebook: str = NOTEBOOK
    points: int = 10
    workers: int = 2
    grid: Mapping[str, Sequence[str]] = field(default_factory=dict)
    executed: Path | None = None
    renders: int = 30

    def axes(self) -> dict[str, list[str]]:
        """Return parameter -> values: what is given, else learning rates and numbers of leaves."""
        if self.grid:
            return {name: list(values) for name, values in self.grid.items()}
        leaves = _LEAVES if self.points % 2 == 0 else _LEAVES[:1]
        rates = [f"{0.02 + 0.01 * number:.2f}" for number in range(self.points // len(leaves))]
        return {"learning_rate": rates, "max_leaf_nodes": list(leaves)}

    def combinations(self) -> list[dict[str, str]]:
        """Return the points of the sweep: every combination of the axes."""
        axes = self.axes()
        return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def earlier(names: Sequence[str], name: str) -> list[str]:
    """Return the notebooks of a use case before `name`.

    Raises
    ------
    UsageError
        It has no notebook of that name.
    """
    if name not in names:
        raise UsageError(
            f"--notebook {name}: the use case has no such notebook.{did_you_mean(name, names)} "
            f"It has {listed(names, 'and')}."
        )
    return list(islice(names, list(names).index(name)))
