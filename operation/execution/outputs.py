"""The outputs of a run, downloaded and verified, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.errors import StepFailed, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.engine.identity.store import Store

if TYPE_CHECKING:
    from azureml.core import Run

UNEXECUTED = "outputs/spark-submission.json"  # left in place of outputs where there is no Spark
FOLDER = "outputs"  # what a run writes here becomes its artifacts


class NotExecuted(WorkbenchError):
    """Every field of a submission was checked, and there is no Spark to execute it."""


def remote_folder(output: str) -> str:
    """Return where a run writes the output called `output`, relative to its working folder."""
    return f"{FOLDER}/{output}"


def download(run: Run, outputs: Mapping[str, Path]) -> None:
    """Download outputs of a run."""
    names = run.get_file_names()
    if UNEXECUTED in names:
        raise NotExecuted(f"run {run.id}: every field was checked; without Spark, nothing was executed")
    for output, folder in outputs.items():
        prefix = f"{remote_folder(output)}/"
        files = [name for name in names if name.startswith(prefix)]
        if files:
            run.download_files(prefix=prefix, output_directory=str(folder), append_prefix=False)
        check_complete(output, folder, [name.removeprefix(prefix) for name in files])


def check_complete(output: str, folder: Path, files: Sequence[str]) -> None:
    """Make sure that every one of `files` has arrived in `folder`."""
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise StepFailed(f"output {output}: {missing[0]} was not downloaded completely. Rerun this command.")


def execution_seconds(details: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds between a run's start and its end, where the service says both."""
    start, end = details.get("startTimeUtc"), details.get("endTimeUtc")
    if not start or not end:
        return {}
    moments = [datetime.fromisoformat(str(text)) for text in (start, end)]
    return {"executing": (moments[1] - moments[0]).total_seconds()}


def changed(layout: Layout, key: str, folders: Mapping[str, Path]) -> list[str]:
    """Return the outputs whose bytes are not those that the store has under `key`, if it has any."""
    digests = Digests(layout.runs / "digests.db")
    entry = Store(layout.store, digests).find(key)
    outputs = entry.manifest["outputs"] if entry else {}
    return [name for name, output in outputs.items() if digests.of(folders[name]).digest != output["digest"]]


def origin(run: Run, target: str, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Return what a manifest says of where a step ran, and how long each part took."""
    return {
        "host": f"azure-ml:{target}",
        "azure": {
            "run": run.id,
            "experiment": run.experiment.name,
            "workspace": run.experiment.workspace.name,
            "target": target,
            "portal": run.get_portal_url(),
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
        },
    }
