"""Has runs and sweeps logged to MLflow by a process of its own: no notebook waits for MLflow's import."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

from operation.engine.configuration import Configuration
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.masked_log import MaskedLog

DEFAULT_URI = "sqlite:///runs/mlflow.db"
_ROOT = Path(__file__).resolve().parents[3]


class Tracker:
    """A child process that logs manifests as they grow; `begin` starts it, or the first `log`.

    The variable TRACKINGURI says where to; by default to the embedded store.
    """

    def __init__(self, layout: Layout, configured: Configuration) -> None:
        self._root = layout.root
        self._uri = layout.in_runs(str(configured.variables.get("TRACKINGURI") or DEFAULT_URI))
        self._path = layout.runs / "tracking.log"
        self._log: MaskedLog | None = None
        self._logged, self._has_tables = False, False
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self) -> subprocess.Popen[str]:
        """Start the process, once: best when a notebook computes and this process has little to do."""
        if self._child is None:
            file = self._uri.partition("sqlite:///")[2]
            self._has_tables = not file or (self._root / file).is_file()
            self._path.unlink(missing_ok=True)
            self._log = MaskedLog(self._path)  # what MLflow says of an error may hold a password
            self._child = subprocess.Popen(
                [sys.executable, "-m", "operation.engine.runs.mlflow_log", self._uri],
                stdin=subprocess.PIPE,
                stdout=self._log.fileno(),
                stderr=subprocess.STDOUT,
                cwd=self._root,
                env={**os.environ, "PYTHONPATH": str(_ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"},
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for notebooks: that they were interrupted is logged
            )
        return self._child

    def log(self, manifest: Path) -> None:
        """Have the manifest of a run or a sweep, as it stands now, logged in the background."""
        self._logged = True
        pipe = self.begin().stdin
        assert pipe is not None  # noqa: S101 - asked for above
        try:
            pipe.write(f"{manifest.resolve()}\n")
            pipe.flush()
        except OSError:  # it ended early: __exit__ says so
            return

    def __exit__(self, *error: object) -> None:
        if self._child is None or self._log is None:
            return
        abandoned = not self._logged and self._has_tables  # making the tables must not be cut short
        if abandoned:
            self._child.kill()
        self._child.communicate()
        self._log.close()
        if self._child.returncode and not abandoned:
            print(f"warning: not everything was logged to MLflow; see {self._path}", file=sys.stderr)
