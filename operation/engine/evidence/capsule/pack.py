"""Packs ``capsule.zip``: everything that replaying a failed run needs."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule.archive import Archive, IndistinctSecret, writing
from operation.engine.evidence.capsule.inputs import (
    Executed,
    Input,
    add_inputs,
    external_files,
    leave_out_private,
    leave_out_unread,
    raw_tables,
    store_entries,
    visible_files,
)
from operation.engine.evidence.capsule.variables import SETTINGS, recorded
from operation.engine.foundation import manifest
from operation.engine.foundation.known_secrets import indistinct_secrets
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.meaning import read_cell
from operation.engine.identity.opened import read_notebook_record
from operation.engine.identity.packages import KERNEL, installed_packages
from operation.engine.identity.state import ProjectState
from operation.engine.steps.history import with_packages

SCHEMA = 1
NAME = "capsule.zip"
LIMIT = 200_000_000  # bytes of inputs


def pack_failure(
    layout: Layout, folder: RunFolder, prepared: Executed, *, include_secrets: bool = False
) -> None:
    """Pack the capsule of a run if it failed; when that fails too, a warning says so.

    Parameters
    ----------
    include_secrets : bool, default=False
        Pack it although a secret cannot be told from other text, so that it may be in it unmasked.
    """
    record = manifest.read(folder.path / "manifest.json")
    if record is None or record["status"] != "failed":
        return
    try:
        pack(layout, folder, prepared, record, include_secrets=include_secrets)
    except OSError as error:
        print(f"warning: no capsule was written: {error}", file=sys.stderr)
    except IndistinctSecret as name:
        print(
            f"warning: no capsule was written: {name} is too short or too common a word to be masked. Unset "
            f"{name} or give it a longer value; or, if whoever gets the capsule may know it, rerun with "
            "--include-secrets.",
            file=sys.stderr,
        )


def pack(
    layout: Layout,
    folder: RunFolder,
    prepared: Executed,
    record: dict[str, Any],
    limit: int = LIMIT,
    *,
    include_secrets: bool = False,
) -> Path:
    """Write ``capsule.zip`` into the folder of a failed run.

    Parameters
    ----------
    record : dict
        The run's manifest.
    limit : int, default=200_000_000
        Bytes of inputs that may go in, before compression.
    include_secrets : bool, default=False
        Whether a secret may be in it that cannot be told from other text.

    Returns
    -------
    Path
        The capsule.

    Raises
    ------
    IndistinctSecret
        When such a secret would be in it, and may not.
    """
    notebook = record["error"]["notebook"]
    records = [step for step in folder.records() if step["notebook"] == notebook]
    opened = read_notebook_record(folder.path, notebook)
    inputs = [*store_entries(layout, records), *external_files(layout, prepared, notebook, records, opened)]
    inputs += raw_tables(layout, records)
    inputs += [Input(file, f"project/{layout.relative(file)}") for file in visible_files(layout.notebooks)]
    with writing(folder.path / NAME, {} if include_secrets else indistinct_secrets()) as archive:
        _add_run(archive, folder)
        _add_project(archive, layout, prepared)
        moved = add_inputs(archive, layout, inputs, limit)
        leave_out_private(archive, layout, opened)
        leave_out_unread(archive, layout, opened, inputs)
        packages = _packages(layout, prepared.sources[notebook], records)
        content = {**_identity(layout, prepared, record), "packages": packages}
        content |= {"moved": moved, "left_out": archive.left_out}
        archive.text(json.dumps({**content, "masked": archive.masked}, indent=1), "capsule.json")
    return folder.path / NAME


def _identity(layout: Layout, prepared: Executed, record: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "use_case", "environment", "commit", "dirty", "python", "platform", "command", "error")
    variables = prepared.configured.variables
    given = recorded({*variables, "ENVIRONMENT"}, ())
    sources = [*layout.src.rglob("*.py"), *layout.notebooks.rglob("*.py"), *prepared.sources.values()]
    read = recorded(SETTINGS, sources)
    return {
        "schema": SCHEMA,
        "kind": "capsule",
        **{name: record[name] for name in names},
        "root": str(layout.root.resolve()),
        "store": str(layout.store.resolve()),
        "variables": sorted(variables),
        "given": given,
        "environment": {name: value for name, value in read.items() if name not in given},
    }


def _add_run(archive: Archive, folder: RunFolder) -> None:
    files = ("manifest.json", "overrides.json", "steps/*.json", "notebooks/*.ipynb", "opened/*", "**/*.log")
    for pattern in files:
        for file in sorted(folder.path.glob(pattern)):
            archive.file(file, f"run/{file.relative_to(folder.path).as_posix()}")


def _add_project(archive: Archive, layout: Layout, prepared: Executed) -> None:
    # whole: an environment names its default use case, keys rest on the packages of an environment file
    files = visible_files(layout.configuration)
    files += visible_files(layout.src)  # a script may read a file that lies beside it
    files += [*layout.notebooks.glob("*.py"), *layout.notebooks.glob("*.ipynb")]
    files += [file for file in (layout.lock, layout.root / "environment.yml") if file.is_file()]
    for file in sorted(files):
        archive.file(file, f"project/{file.relative_to(layout.root).as_posix()}")
    resolved = json.dumps(asdict(prepared.configured), indent=1, default=str)
    archive.text(resolved, "resolved-configuration.json")


def _packages(layout: Layout, notebook: Path, records: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """Return name -> installed version of the packages that keys of the notebook and its steps rest on.

    None: it is locked, and not installed.
    """
    names = {*ProjectState(layout).packages.used(_imports(notebook), KERNEL).versions}
    for record in records:
        names.update(with_packages(layout, record["components"])["packages"])
    installed = installed_packages()
    return {name: installed.get(name) for name in sorted(names)}


def _imports(notebook: Path) -> frozenset[str]:
    """Return the top-level names of the modules that cells import."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    codes = [read_cell("".join(one["source"]), frozenset()) for one in cells if one["cell_type"] == "code"]
    return frozenset(one.module.partition(".")[0] for code in codes if code for one in code.imports)
