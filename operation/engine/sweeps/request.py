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
    """What ``sweep`` was asked for."""

    notebook: str
    grid: Sequence[str]  # ``name=value,value`` or ``name=low..high`` each
    given: Sequence[str] = ()  # ``name=value`` each: the same at all points
    random: int | None = None  # points to draw; None: all of the grid
    seed: int = 0  # of the drawing
    environment: str | None = None  # none: the defaults of the configuration
    use_case: str | None = None  # none: the defaults of the configuration
    # ``nbclient`` is papermill's stock engine; ``ray`` spreads the points over a cluster
    engine: str = "workbench"
    fresh: bool = False  # execute every point again, reuse nothing
    limits: Limits = NO_LIMITS  # of each point
    # by what points are ranked; None: the one that says most of the first that succeeded
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
