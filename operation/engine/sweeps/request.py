"""What a sweep is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from operation.engine.notebooks.fork_server.limits import NO_LIMITS, Limits
from operation.engine.runs.request import Request

RAY = "ray"


@dataclass(frozen=True)
class SweepRequest:
    """What ``sweep`` was asked for.

    Parameters
    ----------
    notebook : str
        The notebook that is executed at each point.
    grid : sequence of str
        ``name=value,value`` or ``name=low..high`` each.
    given : sequence of str
        ``name=value`` each: the same at all points.
    random : int or None
        Points to draw; None: all of the grid.
    seed : int, default=0
        Of the drawing.
    environment, use_case : str or None
        None: the defaults of the configuration.
    engine : str, default="workbench"
        ``nbclient`` is papermill's stock engine; ``ray`` spreads the points over a cluster.
    fresh : bool, default=False
        Execute every point again, reuse nothing.
    limits : Limits, optional
        Time and memory of each point; by default none.
    metric : str or None
        By what points are ranked; None: the one that says most of the first that succeeded.
    """

    notebook: str
    grid: Sequence[str]
    given: Sequence[str] = ()
    random: int | None = None
    seed: int = 0
    environment: str | None = None
    use_case: str | None = None
    engine: str = "workbench"
    fresh: bool = False
    limits: Limits = NO_LIMITS
    metric: str | None = None

    def at(self, given: Sequence[str]) -> Request:
        """Return the request of one run of the notebook, with `given` beside what all points have."""
        engine = "workbench" if self.engine == RAY else self.engine
        both = (*self.given, *given)
        return Request(
            self.environment, self.use_case, (self.notebook,), both, self.fresh, engine, self.limits
        )

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        words = ["python3", "-m", "operation", "sweep", self.notebook]
        words += [word for one in self.grid for word in ("--grid", one)]
        words += ["--random", str(self.random)] if self.random is not None else []
        words += ["--seed", str(self.seed)] if self.seed else []
        words += ["--environment", self.environment] if self.environment else []
        words += ["--use-case", self.use_case] if self.use_case else []
        words += [word for one in self.given for word in ("-p", one)]
        words += ["--engine", self.engine] if self.engine != "workbench" else []
        words += ["--fresh"] if self.fresh else []
        words += ["--metric", self.metric] if self.metric else []
        return shlex.join(words + self.limits.words)
