"""A copy of the project that all contenders work in, each as if nobody had before, and their commands."""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from operation.engine import configuration
from operation.engine.foundation.layout import Layout
from operation.engine.identity.notebook_parameters import code_cells, read_parameters
from tests.benchmarks.rounds import FIGURE, Command, execute

HOME = Path(__file__).resolve().parents[2]
_LARGE = 1_000_000  # bytes: what is larger is linked, not copied
_LEFT_OUT = ("runs", "tests", "config.json")
_OUTSIDE = Path(sys.executable).resolve()  # the Python that .venv was made with


class Project:
    """A folder with a copy of the project; its ``runs`` is what every contender finds.

    Parameters
    ----------
    source : Layout
        The project.
    folder : Path
        Empty, on the same file system: large files are linked.
    tools : Path
        Where papermill, nbconvert and other programs are.
    """

    def __init__(self, source: Layout, folder: Path, tools: Path) -> None:
        self.folder, self.tools = folder, tools
        self.layout = Layout(folder / "project")
        self._seed, self._out = folder / "seed", folder / "out"
        self.layout.root.mkdir(parents=True)
        for path in source.root.iterdir():
            target = self.layout.root / path.name
            if path.is_dir() and path.name not in _LEFT_OUT and not path.name.startswith("."):
                shutil.copytree(path, target, copy_function=_copied, symlinks=True)
            elif path.is_file() and path.name not in _LEFT_OUT:
                _copied(str(path), str(target))
        self.variables = {"WORKBENCH_ROOT": str(self.layout.root), "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.configured = configuration.load(None, None, self.layout)
        self.notebooks = [entry.name for entry in self.configured.notebooks]
        self.fresh()

    def seed(self, *words: str) -> None:
        """Execute a command of the workbench; what ``runs`` holds then is what every contender finds."""
        execute([self.operation(*words)], "before measuring")
        shutil.rmtree(self._seed, ignore_errors=True)
        self.layout.runs.rename(self._seed)
        self.fresh()

    def fresh(self) -> Path:
        """Bring ``runs`` back to what `seed` left, the store linked; return an empty folder."""
        shutil.rmtree(self.layout.runs, ignore_errors=True)
        if self._seed.is_dir():
            shutil.copytree(self._seed, self.layout.runs, copy_function=_stored, symlinks=True)
        self.layout.runs.mkdir(exist_ok=True)
        return self.empty()

    def empty(self) -> Path:
        """Return an empty folder; ``runs`` stays as it is."""
        shutil.rmtree(self._out, ignore_errors=True)
        self._out.mkdir()
        return self._out

    def notebook(self, name: str) -> Path:
        """Return the notebook `name` of the copy."""
        return self.layout.notebooks / f"{name}.ipynb"

    def parameters(self, name: str) -> dict[str, object]:
        """Return what `run` gives the notebook `name`, for the others to give the same."""
        choice = {"use_case": self.configured.use_case, "environment": self.configured.environment}
        entry = next(entry for entry in self.configured.notebooks if entry.name == name)
        declared = read_parameters(self.notebook(name))
        return {**{key: value for key, value in choice.items() if key in declared}, **entry.parameters}

    def operation(self, *words: str) -> Command:
        """``python3 -m operation`` as it is typed: its way into .venv included."""
        return Command([str(_OUTSIDE), "-m", "operation", *words], HOME, self.variables)

    def plain(self, script: Path, variables: Mapping[str, str] | None = None) -> Command:
        """A plain script in the project's environment."""
        more = {**self.variables, "MPLBACKEND": "agg", **(variables or {})}
        return Command([sys.executable, str(script)], self.layout.root, more)

    def tool(self, name: str, *words: str) -> Command:
        """Another tool, its kernels in its own environment."""
        path = os.pathsep.join([str(self.tools), os.environ.get("PATH", "")])
        more = {**self.variables, "JUPYTER_PREFER_ENV_PATH": "1", "PATH": path}
        program = shutil.which(name, path=str(self.tools)) or name
        return Command([program, *words], self.layout.root, more)

    def papermill(self, out: Path, name: str, values: Mapping[str, object], label: str = "") -> list[Command]:
        """papermill's command and nbconvert's for its HTML."""
        source, target = self.notebook(name), out / f"{name}{label}.ipynb"
        words = ["--no-progress-bar", "--cwd", str(source.parent), "--parameters_yaml", json.dumps(values)]
        return [
            self.tool("papermill", *words, str(source), str(target)),
            self.tool("jupyter-nbconvert", "--to", "html", str(target)),
        ]

    def script(self, name: str, values: Mapping[str, object], label: str = "") -> Path:
        """Write a notebook's code cells as a plain script with `values` for its parameters."""
        shown = "display = lambda *shown, **_: print(*shown)"
        lines = ["import sys", f"sys.path.insert(0, {str(self.layout.notebooks)!r})", shown]
        for _, cell, source in code_cells(self.notebook(name)):
            ast.parse(source)  # a magic is not plain Python: there is no plain script that does the same
            lines.append(source)
            if "parameters" in cell.get("metadata", {}).get("tags", []):
                lines += [f"{key} = {value!r}" for key, value in values.items()]
        path = self.folder / f"{name}{label}.py"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


def by_pyperf(out: Path, command: Command, values: int, kind: str = "command") -> Command:
    """Return a command that has pyperf measure `command`, or a statement in a warm process, `values` times.

    ``python -m pyperf`` starts one process and leaves its figures in `out`.
    """
    once = ["--processes=1", "--warmups=1", "--loops=1", f"--values={values}", "--copy-env", "--quiet"]
    words = ["-m", "pyperf", kind, *once, f"--output={out / FIGURE}"]
    program = [sys.executable] if kind == "command" else [command.words[0]]
    rest = command.words if kind == "command" else command.words[1:]
    return Command([*program, *words, *rest], command.folder, command.variables)


def _copied(source: str, target: str) -> None:
    _link(source, target) if Path(source).stat().st_size > _LARGE else shutil.copy2(source, target)


def _stored(source: str, target: str) -> None:
    """Link what nobody writes to again; databases and logs are copied."""
    _link(source, target) if "store" in Path(source).parts else shutil.copy2(source, target)


def _link(source: str, target: str) -> None:
    with suppress(OSError):  # another file system, or one without links
        os.link(source, target)
        return
    shutil.copy2(source, target)
