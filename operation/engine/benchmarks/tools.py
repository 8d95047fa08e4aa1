"""The commands of the contenders, as people type them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operation.engine.benchmarks.contender import Command
from operation.engine.benchmarks.peers import tool
from operation.engine.benchmarks.workplace import Workplace
from operation.setup.checkout import Checkout

_JUPYTER = {"JUPYTER_PREFER_ENV_PATH": "1"}  # a kernelspec in the user's home may be another environment's


@dataclass(frozen=True)
class Tools:
    """How each tool is called in a workplace.

    Parameters
    ----------
    workplace : Workplace
        Where.
    peers : Path or None
        The folder of the peers' programs; None where they take no part.
    """

    workplace: Workplace
    peers: Path | None

    @property
    def variables(self) -> dict[str, str]:
        """What leads the workbench to the copy of the project."""
        return {"WORKBENCH_ROOT": str(self.workplace.project), "MLFLOW_DISABLE_TELEMETRY": "true"}

    def operation(self, *words: str) -> Command:
        """``python3 -m operation`` as it is typed: from the Python outside, its way into .venv included."""
        home = Checkout.here()
        outside = getattr(sys, "_base_executable", sys.executable) if home.inside() else sys.executable
        return Command([str(outside), "-m", "operation", *words], home.root, self.variables)

    def plain(self, script: Path, variables: Mapping[str, str] | None = None) -> Command:
        """A plain script in the project's environment."""
        more = {**self.variables, "MPLBACKEND": "agg", **(variables or {})}
        return Command([sys.executable, str(script)], self.workplace.project, more)

    def own(self, name: str, *words: str) -> Command:
        """A tool of the project's environment."""
        return self._tool(Path(sys.executable).parent, name, words)

    def peer(self, name: str, *words: str) -> Command:
        """A tool of the peers' environment."""
        assert self.peers  # noqa: S101 - contenders that need it are left out without it
        return self._tool(self.peers, name, words)

    def peer_python(self, *words: str) -> Command:
        """The Python of the peers' environment."""
        return self.peer("python", *words)

    def _tool(self, folder: Path, name: str, words: Sequence[str]) -> Command:
        path = os.pathsep.join([str(folder), os.environ.get("PATH", "")])
        more = {**self.variables, **_JUPYTER, "PATH": path}
        return Command([tool(folder, name), *words], self.workplace.project, more)
