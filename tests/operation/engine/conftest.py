"""A tiny project of two steps: real files, real scripts, nothing heavy to import."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from operation.engine.foundation.layout import Layout

SHARED = """
    def input_path(text):
        return text

    def output_path(text):
        return text
"""
COUNT = '''
    """Count the letters of a text."""
    import argparse
    import json
    from pathlib import Path

    from utils import input_path, output_path
    from words import letters

    def build_parser():
        parser = argparse.ArgumentParser(description="Count letters")
        parser.add_argument("--text", type=input_path, required=True, help="a text")
        parser.add_argument("--factor", type=float, default=1.0, help="multiplies the count")
        parser.add_argument("--skip", nargs="*", default=[], help="letters that do not count")
        parser.add_argument("--loud", action=argparse.BooleanOptionalAction, default=False, help="say it")
        parser.add_argument("--result", type=output_path, required=True, help="folder for metrics.json")
        return parser

    def main(argv=None):
        args = build_parser().parse_args(argv)
        count = letters(Path(args.text).read_text(), args.skip) * args.factor
        folder = Path(args.result)
        folder.mkdir()
        (folder / "metrics.json").write_text(json.dumps({"letters": count}))

    if __name__ == "__main__":
        main()
'''
WORDS = """
    def letters(text, skip):
        return sum(1 for one in text if one.isalpha() and one not in skip)
"""
DOUBLE = '''
    """Double a count."""
    import argparse
    import json
    from pathlib import Path

    from utils import input_path, output_path

    def build_parser():
        parser = argparse.ArgumentParser(description="Double a count")
        parser.add_argument("--counted", type=input_path, required=True)
        parser.add_argument("--mode", choices=["plain", "square"], default="plain")
        parser.add_argument("--result", type=output_path, required=True)
        return parser

    def main(argv=None):
        args = build_parser().parse_args(argv)
        count = json.loads((Path(args.counted) / "metrics.json").read_text())["letters"]
        if count == 0:
            raise ValueError("nothing to double")
        Path(args.result).mkdir()
        doubled = count ** 2 if args.mode == "square" else count * 2
        (Path(args.result) / "metrics.json").write_text(json.dumps({"doubled": doubled}))

    if __name__ == "__main__":
        main()
'''
USE_CASE = """
    description: How many letters?
    notebooks:
      - name: 01-count-letters
      - name: 02-double-count
    steps:
      count:
        inputs: {text: data/text.txt}
        arguments: {factor: $(FACTOR)}
      double:
        inputs: {counted: count.result}
"""
ENVIRONMENT = """
    variables:
      ENVIRONMENT: DEV
      RESOURCE_GROUP: rg-tiny
      LOCATION: westeurope
      NAMESPACE: tiny
      SERVICECONNECTION_RG: sc-rg
      SERVICECONNECTION_WS: sc-ws
      USECASE: tiny
      FACTOR: 1
"""


def notebook(parameters: str, *cells: str) -> dict[str, Any]:
    """Return a notebook with a title, a parameters cell and code cells."""

    def cell(source: str, tags: list[str]) -> dict[str, Any]:
        return {
            "cell_type": "code",
            "id": f"c{abs(hash(source)) % 10**8}",
            "metadata": {"tags": tags} if tags else {},
            "source": dedent(source).strip(),
            "outputs": [],
            "execution_count": None,
        }

    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# How many letters?"}
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return {
        "cells": [title, cell(parameters, ["parameters"]), *(cell(one, []) for one in cells)],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


CHOICE = """
    use_case: str = "tiny"  # the experiment
    environment: str = "DEV"  # where it runs
"""
BOOKS = {
    "01-count-letters": notebook(
        CHOICE
        + "    factor: float | None = None  # multiplies the count\n"
        + "    skip: list[str] | None = None  # letters\n",
        "import core",
        "core.use(use_case, environment)",
        "counted = core.count(factor=factor, skip=skip)\ncounted",
    ),
    "02-double-count": notebook(
        CHOICE + "    mode: str | None = None  # plain or square\n",
        "import core",
        "core.use(use_case, environment)",
        "doubled = core.double(mode=mode)\ndoubled.metrics",
    ),
}


@pytest.fixture(scope="session")
def count_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Core Script for a whole session, as property tests want it."""
    layout = Layout(tmp_path_factory.mktemp("scripts"))
    write(layout, "src/utils.py", SHARED)
    return write(layout, "src/count.py", COUNT)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project of its own in a temporary folder, whose root WORKBENCH_ROOT names."""
    return build(tmp_path / "project", monkeypatch)


def build(root: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Write the tiny project and make it the one that is meant."""
    layout = Layout(root)
    files = {
        "src/utils.py": SHARED,
        "src/count.py": COUNT,
        "src/words.py": WORDS,
        "src/double.py": DOUBLE,
        "configuration/configuration-tiny.yml": USE_CASE,
        "configuration/configuration-DEV.yml": ENVIRONMENT,
        "requirements.lock": "one==1.0\n",
    }
    for name, text in files.items():
        write(layout, name, text)
    write(layout, "data/text.txt", "abc de")
    core = Path(__file__).resolve().parents[3] / "notebooks" / "core.py"
    write(layout, "notebooks/core.py", core.read_text(encoding="utf-8"))
    for name, document in BOOKS.items():
        write(layout, f"notebooks/{name}.ipynb", json.dumps(document))
    monkeypatch.setenv("WORKBENCH_ROOT", str(layout.root))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    return layout


def write(layout: Layout, name: str, text: str) -> Path:
    """Write a file of the project."""
    path = layout.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path
