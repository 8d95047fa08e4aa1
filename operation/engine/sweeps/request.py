"""What a sweep is asked for."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from operation.engine.notebooks.limits import NO_LIMITS, Limits
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
    environment: str | None = None  # None: the default
    use_case: str | None = None  # None: the default
    # ``nbclient`` is papermill's stock engine; ``ray`` spreads the points over a cluster
    engine: str = "workbench"
    fresh: bool = False  # execute every point again, reuse nothing
    limits: Limits = NO_LIMITS  # of each point
    metric: str | None = None  # ranks the points; None: the most telling of the first that succeeded
    include_secrets: bool = False  # as of a run

    def at(self, given: Sequence[str]) -> Request:
        """Return the request of one run of the notebook, with `given` beside what all points have."""
        engine = "workbench" if self.engine == RAY else self.engine
        both = (*self.given, *given)
        choice = (self.environment, self.use_case, (self.notebook,), both)
        return Request(*choice, self.fresh, engine, self.limits, self.include_secrets)

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        run = replace(self.at(()), notebooks=(), engine=self.engine)
        argv = [word for axis in self.grid for word in ("--grid", axis)]
        argv += ["--random", str(self.random)] if self.random is not None else []
        argv += ["--seed", str(self.seed)] if self.seed else []
        argv += [*run.options, *(["--metric", self.metric] if self.metric else [])]
        return shlex.join(["python3", "-m", "operation", "sweep", self.notebook, *argv])
