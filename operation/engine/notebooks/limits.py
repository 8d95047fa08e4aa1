"""What a notebook may take."""

import sys
from dataclasses import dataclass

from operation.engine.foundation.children import cores


@dataclass(frozen=True)
class Limits:
    """Limits of one notebook; None: none."""

    cell: float | None = None  # seconds for each cell, more than 0
    run: float | None = None  # seconds for all cells together, more than 0
    # bytes that the notebook's process, and each of its children, may allocate beyond what it starts with
    memory: int | None = None

    @property
    def options(self) -> list[str]:
        """The options of ``run`` that set these limits."""
        options = (("--cell-seconds", self.cell), ("--seconds", self.run), ("--megabytes", self._megabytes))
        return [word for name, value in options if value is not None for word in (name, f"{value:g}")]

    @property
    def most(self) -> int | None:
        """How many notebooks with this limit the machine's memory holds, one at least; None: no limit."""
        if self.memory is None:
            return None
        import psutil  # type: ignore[import-untyped]

        return max(1, int(psutil.virtual_memory().total // self.memory))

    def at_once(self, requested: int | None) -> int:
        """Return how many notebooks are executed at once: as requested, else as cores, if memory does."""
        return min(requested or cores(), self.most or sys.maxsize)

    @property
    def _megabytes(self) -> float | None:
        return None if self.memory is None else self.memory / 1_000_000


NO_LIMITS = Limits()
