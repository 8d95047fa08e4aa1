"""What measurements share: a process of its own for each way, the spread of rounds, figures as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SRC = Path(__file__).resolve().parents[2] / "src"
HEAD = "import json, sys; sys.path.insert(0, sys.argv.pop(1))\n"


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with what every measurement takes."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--model", type=Path, required=True, help="folder of a model")
    made.add_argument("--table", type=Path, required=True, help="rows: the holdout")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    return made


def command(code: str, *words: object) -> list[str]:
    """Return the command that runs `code` with the Core Scripts at hand; `words` are its arguments."""
    return [sys.executable, "-c", HEAD + code, str(SRC), *map(str, words)]


def told(code: str, *words: object) -> Any:
    """Run `code` in a process of its own and return the JSON of its last line."""
    done = subprocess.run(command(code, *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, least and most of rounds."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def keep(figures: dict[str, Any], file: Path | None) -> None:
    """Write figures, and the machine that they are of."""
    if file is not None:
        machine = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        }
        file.write_text(json.dumps({**machine, **figures}, indent=2) + "\n", encoding="utf-8")
