"""What a run is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from operation.engine.notebooks.forked.limits import NO_LIMITS, Limits


@dataclass(frozen=True)
class Request:
    """What ``run`` was asked for.

    Parameters
    ----------
    environment, use_case : str or None
        None: the defaults of the configuration.
    notebooks : sequence of str
        Names; empty: all of the use case.
    given : sequence of str
        ``name=value`` each.
    fresh : bool
        Execute every step, reuse nothing.
    engine : str, default="workbench"
        What executes the notebooks; ``nbclient`` is papermill's stock engine.
    limits : Limits, optional
        Time and memory of each notebook; by default none.
    """

    environment: str | None = None
    use_case: str | None = None
    notebooks: Sequence[str] = ()
    given: Sequence[str] = ()
    fresh: bool = False
    engine: str = "workbench"
    limits: Limits = NO_LIMITS

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        words = ["python3", "-m", "operation", "run"]
        words += ["--environment", self.environment] if self.environment else []
        words += ["--use-case", self.use_case] if self.use_case else []
        words += ["--notebook", *self.notebooks] if self.notebooks else []
        words += [word for one in self.given for word in ("-p", one)]
        words += ["--fresh"] if self.fresh else []
        words += ["--engine", self.engine] if self.engine != "workbench" else []
        return shlex.join(words + self.limits.words)
