"""One command of a step in a shell of its own: its lines are shown, logged, and heard."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operation.engine.foundation.children import child, end
from operation.engine.pipelines.signals import Told, hear

FILES = {"GITHUB_OUTPUT": "outputs", "GITHUB_ENV": "variables", "GITHUB_STEP_SUMMARY": "summary.md"}


@dataclass(frozen=True)
class Command:
    """What a shell is to execute, in which folder and with which variables of the environment."""

    text: str
    options: Sequence[str]  # of the shell
    root: Path
    env: Mapping[str, str]
    seconds: float | None  # after which it is stopped

    def run(self, scratch: Path, told: Told, say: Callable[[str], None]) -> int:
        """Return its exit code; script and log are left in `scratch`, a new folder."""
        scratch.mkdir(parents=True)
        files = {name: str(scratch / file) for name, file in FILES.items()}
        script = scratch / "step.sh"
        script.write_text(self.text + "\n", encoding="utf-8")
        with (
            (scratch / "log.txt").open("w", encoding="utf-8") as log,
            child(
                ["bash", "--noprofile", "--norc", *self.options, str(script)],
                cwd=self.root,
                env={**self.env, **(files if "GITHUB_ACTIONS" in self.env else {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            timer = threading.Timer(self.seconds or 0, end, [process])
            if self.seconds:
                timer.start()
            for line in process.stdout or ():
                shown = hear(line.rstrip("\n"), told)
                if shown is not None:
                    log.write(f"{shown}\n")
                    say(f"     {shown}")
            code = process.wait()
            timer.cancel()
        told.read([Path(file) for file in files.values()])
        return code
