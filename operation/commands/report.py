"""Render the pages of a run again, from its manifest and its executed notebooks."""

import argparse
import os
import shutil
import webbrowser
from pathlib import Path

from operation.engine.foundation import ci_system, manifest
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.layout import project
from operation.engine.foundation.nearest import did_you_mean

LATEST = "latest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``report``."""
    parser.description = (
        "Write the pages of a run again: the report of each executed notebook, the run's page, the gallery."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation report\n"
        "  python3 -m operation report 20261122-134501-churn-DEV-3f2a --open\n"
        "  python3 -m operation report --notebook runs/latest/notebooks/03-train-model.ipynb\n"
        "  python3 -m operation report --publish runs/published"
    )
    parser.add_argument(
        "run", nargs="?", default=LATEST, metavar="RUN", help="id of a run, or latest (default: latest)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument(
        "--notebook",
        type=Path,
        metavar="FILE",
        help="only write the report of this executed notebook, beside it",
    )
    parser.add_argument(
        "--publish",
        type=Path,
        metavar="FOLDER",
        help="copy what a pipeline publishes: pages, capsules and a summary in Markdown of its job's runs",
    )


def run(args: argparse.Namespace) -> int:
    """Render, print what was written, and open it with --open."""
    if args.publish:
        _publish(args.publish)
        return 0
    page = _render_notebook(args.notebook) if args.notebook else _render_run(_run_folder(args.run))
    if args.open:
        webbrowser.open(page.resolve().as_uri())
    return 0


def _render_notebook(notebook: Path) -> Path:
    from operation.engine.evidence.reports.notebook import render_notebook

    if not notebook.is_file():
        raise UsageError(f"--notebook {notebook}: there is no such file. Name an executed notebook (.ipynb).")
    target = notebook.with_suffix(".html")
    render_notebook(notebook, target, {})
    return _say(target)


def _render_run(folder: Path) -> Path:
    from operation.engine.evidence.reports.gallery import write_gallery
    from operation.engine.evidence.reports.notebook import render_notebook
    from operation.engine.evidence.reports.run_page import write_run_page

    content, problems = manifest.read(folder / "manifest.json") or {}, []
    for notebook in sorted((folder / "notebooks").glob("*.ipynb")):
        target = folder / f"{notebook.stem}.html"
        try:
            render_notebook(notebook, target, content)
        except WorkbenchError as error:  # a killed run may leave half a notebook; the others are whole
            problems.append(str(error))
        else:
            _say(target)
    _say(write_gallery(folder.parent))
    page = _say(write_run_page(folder))
    if problems:
        raise WorkbenchError("\n".join(problems))
    return page


def _publish(target: Path) -> None:
    """Copy the runs of this job into `target`, and hand their summary to the CI system."""
    from operation.engine.evidence.reports.markdown_summary import no_run_summary, run_summary
    from operation.engine.evidence.reports.run_record import read_run

    artifact = os.environ.get("SYSTEM_STAGENAME") or os.environ.get("GITHUB_JOB", "")
    texts = []
    for folder in _runs_of_job():
        shutil.copytree(folder, target / folder.name, dirs_exist_ok=True)
        texts.append(run_summary(read_run(folder), artifact, folder.name))
    target.mkdir(parents=True, exist_ok=True)
    summary = target / "summary.md"
    summary.write_text("\n".join(texts) or no_run_summary(), encoding="utf-8")
    if texts:
        ci_system.add_summary(ci_system.recognised(), summary)
    _say(summary)


def _runs_of_job() -> list[Path]:
    """Return the folders of the runs of this pipeline's job; outside of one, that of the last run."""
    from operation.engine.evidence.reports.latest import latest_run
    from operation.engine.evidence.reports.run_record import read_run

    runs, since = project().runs, os.environ.get("WORKBENCH_JOB_STARTED", "")  # a machine of CI is new
    last = latest_run(runs)
    if ci_system.recognised() is None:
        return [last] if last else []
    folders = [path.parent for path in sorted(runs.glob("*/manifest.json")) if not path.parent.is_symlink()]
    return [folder for folder in folders if read_run(folder).started >= since]


def _run_folder(name: str) -> Path:
    from operation.engine.evidence.reports.latest import latest_run

    runs = project().runs
    ids = sorted(path.name for path in runs.glob("*") if (path / "manifest.json").is_file())
    if name == LATEST:
        if folder := latest_run(runs):
            return folder
        raise UsageError("No runs yet. Start one: python3 -m operation run")
    if name in ids:
        return runs / name
    raise UsageError(f"There is no run '{name}' in {project().relative(runs)}.{did_you_mean(name, ids)}")


def _say(page: Path) -> Path:
    print(f"wrote {project().relative(page)}")
    return page
