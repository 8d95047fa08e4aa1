"""One real notebook, from the command's start to the executed notebook and its HTML.

``python -m operation.engine.benchmarks.notebooks --rounds 5``: the notebook as a plain script, by the
workbench, and by papermill's and nbconvert's own commands. Upstream steps are in the store, the step of
the notebook itself is executed by each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from operation.engine.benchmarks.rounds import Contender, machine, rounds, summary, table
from operation.engine.layout import Layout, project
from operation.engine.notebooks.parameters import code_cells

PLAIN = "plain script"
_DISPLAY = "display = lambda *shown, **_: print(*shown)\n"


def contenders(layout: Layout, notebook: Path, work: Path) -> list[Contender]:
    """Return the ways of executing `notebook`; `work` gets its plain script."""
    script = work / f"{notebook.stem}.py"
    script.write_text(_as_script(layout, notebook), encoding="utf-8")
    python, tools = sys.executable, Path(sys.executable).parent
    papermill = [str(tools / "papermill"), "--no-progress-bar", "--cwd", str(layout.notebooks), str(notebook)]
    convert = [str(tools / "jupyter-nbconvert"), "--to", "html"]
    run = [python, "-m", "operation", "run", "--notebook", notebook.stem]

    def with_papermill(folder: Path, *engine: str) -> list[list[str]]:
        out = str(folder / "out.ipynb")
        return [[*papermill, out, *engine], [*convert, out]]

    def runs(folder: Path) -> dict[str, str]:
        return {"WORKBENCH_RUNS": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}

    def plain(folder: Path) -> dict[str, str]:
        return {**runs(folder), "MPLBACKEND": "agg"}

    return [
        Contender(PLAIN, lambda _: [[python, str(script)]], plain),
        Contender("workbench run", lambda _: [run], runs),
        Contender(
            "papermill --engine workbench",
            lambda folder: with_papermill(folder, "--engine", "workbench")[:1],
            runs,
        ),
        Contender("papermill + nbconvert", with_papermill, runs),
    ]


def _as_script(layout: Layout, notebook: Path) -> str:
    """Return the code cells as a script that finds what the notebook finds."""
    head = f"import sys\nsys.path.insert(0, {str(layout.notebooks)!r})\n{_DISPLAY}"
    return head + "\n".join(source for _, _, source in code_cells(notebook))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write the JSON where ``--json`` says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument("--notebook", default="03-train-model", help="its name (default: 03-train-model)")
    parser.add_argument("--seed", default="prepare", help="the step that is in the store already")
    parser.add_argument("--json", type=Path, help="where the figures go")
    args = parser.parse_args(arguments)
    layout = project()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        seed = _seed(layout, work, args.seed)
        before = machine()

        def prepared(one: Contender, number: int) -> Path:
            folder = work / f"{one.name.replace(' ', '-')}-{number}"
            shutil.copytree(seed, folder)
            return folder

        every = contenders(layout, layout.notebooks / f"{args.notebook}.ipynb", work)
        found = rounds(every, args.rounds, prepared, layout.root, lambda text: print(text, flush=True))
    rows = summary(found, PLAIN)
    print(table(rows))
    content = {"machine": before, "machine_after": machine(), "rows": rows, "seconds": found}
    if args.json:
        args.json.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _seed(layout: Layout, work: Path, step: str) -> Path:
    """Return a folder of runs whose store holds `step` and what it needs."""
    folder = work / "seed"
    command = [sys.executable, "-m", "operation", "step", step]
    variables = {**os.environ, "WORKBENCH_RUNS": str(folder)}
    subprocess.run(command, cwd=layout.root, env=variables, check=True, capture_output=True)
    return folder


if __name__ == "__main__":
    main()
