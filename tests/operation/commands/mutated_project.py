"""A project after runs of it: changed, judged by a plain process and by the commands, restored."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine import configuration
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import read_contract
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.reuse import unchanged
from tests.operation.commands.mutated_files import (
    BOOK,
    CELLS,
    CODE_IMPORTS,
    CODE_NAME,
    CODE_READS,
    FILES,
    LEDGER,
    NAME,
    PARAMETERS,
    PLAIN,
    prints,
)
from tests.operation.commands.mutation_kinds import Change
from tests.operation.engine.conftest import CHOICE, notebook, write


@dataclass(frozen=True)
class Answer:
    """What one command, or a plain process, came to."""

    output: str | None  # None: it failed
    ledger: str | None
    metrics: dict[str, str]  # step -> text of its metrics
    how: str = ""


class Mutated:
    """The project after two runs of it, to be changed and restored."""

    def __init__(self, layout: Layout, scratch: Path) -> None:
        self.layout, self.scratch = layout, scratch
        for name, text in FILES.items():
            write(layout, name, text)
        (layout.root / "data" / "rows.db").touch()
        (layout.root / "data" / "linked.txt").symlink_to(layout.root / "data" / "target.txt")
        write(layout, BOOK, json.dumps(notebook(PARAMETERS, *CELLS)))
        code = notebook(CHOICE, CODE_IMPORTS, *prints(CODE_READS, ".txt"))
        write(layout, f"notebooks/{CODE_NAME}.ipynb", json.dumps(code))
        for words in ((), ("--notebook", NAME, "-p", "table=data/named.csv")):
            answer = self.run(Change(words))
            assert answer.output == self.plainly(Change(words)).output is not None, answer.how
            assert self.run(Change(words)).how == "reused"
        self.files = {path: path.read_bytes() for path in self._files()}
        self.links = {path: path.readlink() for path in self.files if path.is_symlink()}
        self.runs = set(layout.runs.glob("2*"))

    def _files(self) -> Iterator[Path]:
        folders = ("src", "notebooks", "tools", "data", "configuration", "runs")
        found = [path for folder in folders for path in (self.layout.root / folder).rglob("*")]
        found += [
            self.layout.root / name for name in ("requirements.lock", "environment.yml", LEDGER, "README.md")
        ]
        kept = ("digests.db", ".pyc", ".db.lock", "mlflow.db")
        return (path for path in found if path.is_file() and not path.name.endswith(kept))

    def restore(self) -> None:
        """Undo a mutation; outputs that were stored since stay, as they do in a checkout."""
        for run in set(self.layout.runs.glob("2*")) - self.runs:
            shutil.rmtree(run)
        for path in set(self._files()) - self.files.keys():
            if not path.is_relative_to(self.layout.store):
                path.unlink()
        for path, content in self.files.items():
            is_link = path in self.links
            if path.is_symlink() != is_link or (is_link and path.readlink() != self.links[path]):
                path.unlink()
                if is_link:
                    path.symlink_to(self.links[path])
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        (self.layout.root / "data" / "open.txt").chmod(0o644)

    def plainly(self, change: Change) -> Answer:
        """Execute the notebook's cells in a process that knows nothing of the workbench; leave no effect."""
        ledger = self._ledger()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        with _variables(change.variables):
            question = self._question(change)
            done = subprocess.run(
                [sys.executable, "-S", "-B", "-c", PLAIN],
                input=json.dumps(question),
                cwd=self.layout.notebooks,
                capture_output=True,
                encoding="utf-8",
                check=False,
                timeout=600,
            )
        metrics = {path.parts[-3]: path.read_text() for path in self.scratch.glob("*/result/metrics.json")}
        answer = Answer(None if done.returncode else done.stdout, self._ledger(), metrics, done.stderr[-300:])
        self._put_ledger(ledger)
        return answer

    def _question(self, change: Change) -> list[Any]:
        configured = configuration.load(layout=self.layout)
        steps = {
            name: {
                "script": str(step.script),
                "words": read_contract(step.script).argv(step.arguments),
                "inputs": step.inputs,
            }
            for name, step in configured.steps.items()
        }
        prepared = prepare(self.layout, _request(change))
        notebooks = [
            (_cells(prepared.sources[entry.name]), prepared.parameters(entry.name))
            for entry in prepared.notebooks
        ]
        return [notebooks, steps, str(self.layout.root), str(self.scratch)]

    def _ledger(self) -> str | None:
        path = self.layout.root / LEDGER
        return path.read_text() if path.is_file() else None

    def _put_ledger(self, text: str | None) -> None:
        (self.layout.root / LEDGER).unlink(missing_ok=True)
        if text is not None:
            (self.layout.root / LEDGER).write_text(text)

    def answers(self, change: Change) -> bool:
        """Tell whether an earlier run is the answer; nothing is executed."""
        with _variables(change.variables), contextlib.suppress(WorkbenchError):
            prepared = prepare(self.layout, _request(change))
            return unchanged(self.layout, prepared) is not None
        return False

    def run(self, change: Change) -> Answer:
        """Give the command ``run``."""
        code, said = _command(["run", *change.words], change)
        how = "reused" if "nothing to do" in said else "executed"
        if code:
            return Answer(None, self._ledger(), {}, f"{how} {code}: {said[-500:]}")
        folder = self.layout.root / said.rpartition("report: ")[2].partition("/index.html")[0]
        entries = json.loads((folder / "manifest.json").read_text())["notebooks"]
        how = "reused" if how == "reused" or all("reused_from" in entry for entry in entries) else how
        executed = [json.loads((folder / entry["notebook"]).read_text()) for entry in entries]
        cells = [cell for document in executed for cell in document["cells"]]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        texts = ["".join(output["text"]) for output in outputs if output.get("name") == "stdout"]
        return Answer("".join(texts), self._ledger(), {}, how)

    def step(self, name: str, change: Change) -> Answer:
        """Give the command ``step``."""
        code, said = _command(["step", name], change)
        if code:
            return Answer(None, self._ledger(), {}, f"{code}: {said[-500:]}")
        how = "reused" if f"{name} reused in" in said else "executed"
        folder = said.partition("  result: ")[2].partition("\n")[0]
        text = (self.layout.root / folder / "metrics.json").read_text()
        return Answer("", self._ledger(), {name: text}, how)


def _cells(path: Path) -> list[str]:
    return [cell["source"] for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def _request(change: Change) -> Request:
    """Return what `run` is asked for with these words."""
    names = [word for word in change.words if word == NAME]
    return Request(notebooks=names, given=[word for word in change.words if "=" in word])


def _command(words: list[str], change: Change) -> tuple[int, str]:
    said = io.StringIO()
    with _variables(change.variables), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = cli.main(words)
    return code, said.getvalue()


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield
