"""Packs ``capsule.zip``: everything that replaying a failed run needs."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule.archive import Archive, writing
from operation.engine.evidence.capsule.inputs import Executed, add_inputs, external_files, store_entries
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder

SCHEMA = 1
NAME = "capsule.zip"
LIMIT = 200_000_000  # bytes of inputs


def pack_failure(layout: Layout, folder: RunFolder, prepared: Executed) -> None:
    """Pack the capsule of a run if it failed; that this fails too is told, and hides nothing."""
    record = manifest.read(folder.path / "manifest.json")
    if record is None or record["status"] != "failed":
        return
    try:
        pack(layout, folder, prepared, record)
    except OSError as error:
        print(f"warning: no capsule was written: {error}", file=sys.stderr)


def pack(
    layout: Layout, folder: RunFolder, prepared: Executed, record: dict[str, Any], limit: int = LIMIT
) -> Path:
    """Write ``capsule.zip`` into the folder of a failed run.

    Parameters
    ----------
    record : dict
        The run's manifest.
    limit : int, default=200_000_000
        Bytes of inputs that may go in, before compression.

    Returns
    -------
    Path
        The capsule. No secret is in it.
    """
    notebook = record["error"]["notebook"]
    records = [one for one in folder.records() if one["notebook"] == notebook]
    inputs = [*store_entries(layout, records), *external_files(layout, prepared, notebook, records)]
    with writing(folder.path / NAME) as archive:
        _add_run(archive, folder)
        _add_project(archive, layout, prepared)
        moved = add_inputs(archive, layout, inputs, limit)
        content = {**_identity(layout, prepared, record), "moved": moved, "left_out": archive.left_out}
        archive.text(json.dumps({**content, "masked": archive.masked}, indent=1), "capsule.json")
    return folder.path / NAME


def _identity(layout: Layout, prepared: Executed, record: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "use_case", "environment", "commit", "dirty", "python", "platform", "command", "error")
    variables = prepared.configured.variables
    return {
        "schema": SCHEMA,
        "kind": "capsule",
        **{name: record[name] for name in names},
        "root": str(layout.root.resolve()),
        "store": str(layout.store.resolve()),
        "variables": sorted(variables),
        "given": {name: os.environ[name] for name in sorted({*variables, "ENVIRONMENT"} & set(os.environ))},
        "packages": installed_packages(),
    }


def _add_run(archive: Archive, folder: RunFolder) -> None:
    for pattern in ("manifest.json", "overrides.json", "steps/*.json", "notebooks/*.ipynb", "**/*.log"):
        for file in sorted(folder.path.glob(pattern)):
            archive.file(file, f"run/{file.relative_to(folder.path).as_posix()}")


def _add_project(archive: Archive, layout: Layout, prepared: Executed) -> None:
    configured = prepared.configured
    # all of them: an environment names its default use case, which must exist
    files = sorted(layout.configuration.glob("configuration-*.yml"))
    files += [one for one in layout.schemas.rglob("*") if one.is_file()]
    # a script may read a file that lies beside it
    files += [one for one in layout.src.rglob("*") if one.is_file() and "__pycache__" not in one.parts]
    files += [*layout.notebooks.glob("*.py"), *layout.notebooks.glob("*.ipynb")]
    files += [one for one in (layout.lock, layout.root / "environment.yml") if one.is_file()]
    for file in sorted(files):
        archive.file(file, f"project/{file.relative_to(layout.root).as_posix()}")
    resolved = json.dumps(asdict(configured), indent=1, default=str)
    archive.text(resolved, "resolved-configuration.json")


def installed_packages() -> dict[str, str]:
    """Return the versions of what is installed, by package, without reading each one's metadata."""
    folders = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    found = (one.stem.rpartition("-") for folder in folders for one in folder.glob("*.dist-info"))
    return {name.lower().replace("_", "-"): version for name, _, version in sorted(found)}
