"""What a step gave, as a notebook shows it: outputs as attributes, metrics, a card."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.files import read_parquet
from operation.engine.steps.step import Done

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Output(os.PathLike[str]):
    """One output folder of a step."""

    path: Path  # the folder in the store

    def __fspath__(self) -> str:
        return str(self.path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def table(self, name: str | None = None) -> pd.DataFrame:
        """Read the Parquet table `name` of this output; where there is one table the name may be left out."""
        return read_parquet(self.path / f"{name}.parquet" if name else _only_table(self.path))

    def json(self, name: str) -> Any:
        """Read the JSON file ``<name>.json`` of this output."""
        import json

        return json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))

    def files(self) -> list[str]:
        """Return the names of the files."""
        return sorted(p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file())


def _only_table(folder: Path) -> Path:
    tables = sorted(folder.glob("*.parquet"))
    if len(tables) != 1:
        names = ", ".join(table.stem for table in tables) or "none"
        raise FileNotFoundError(f"{folder} holds {len(tables)} tables ({names}): say which, table('name').")
    return tables[0]


class Result:
    """What a step gave: outputs as attributes, metrics, and a card to look at."""

    def __init__(self, done: Done) -> None:
        self.step = done.plan.step
        self.key = done.plan.key
        self.entry = done.entry
        self.how = done.how
        self.seconds = done.seconds
        self.metrics = dict(done.metrics)
        self.arguments = done.plan.contract.canonical(done.plan.arguments)
        self._outputs = {
            name.replace("-", "_"): Output(done.entry.output(name)) for name in done.plan.contract.outputs
        }

    def __getattr__(self, name: str) -> Output:
        outputs: dict[str, Output] = self.__dict__.get("_outputs", {})
        if name in outputs:
            return outputs[name]
        raise AttributeError(f"{self.step} has no output '{name}'; it has: {', '.join(outputs)}.")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._outputs]

    def __repr__(self) -> str:
        metrics = ", ".join(f"{name} {_short(value)}" for name, value in self.metrics.items())
        return f"{self.step} {self.how} in {self.seconds:.1f} s, key {self.key[:12]}" + (
            f": {metrics}" if metrics else ""
        )

    def _repr_html_(self) -> str:
        rows = "".join(_row(name, _short(value)) for name, value in self.metrics.items())
        took = f"{self.how} in {self.seconds:.1f} s"
        head = f"<b>{html.escape(self.step)}</b> {took} · key <code>{self.key[:12]}</code>"
        outputs = " · ".join(f"<code>{html.escape(name)}</code>" for name in self._outputs)
        return f"<p>{head} · outputs {outputs}</p>" + (
            f"<table><tbody>{rows}</tbody></table>" if rows else ""
        )


def _row(name: str, value: str) -> str:
    head = f"<th scope='row' style='text-align:left'>{html.escape(name)}</th>"
    return f"<tr>{head}<td>{html.escape(value)}</td></tr>"


def _short(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{value:,.0f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
