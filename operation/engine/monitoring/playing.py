"""A use case's past, played from the first period to the last in a folder of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.evidence.ledger import step_errors
from operation.engine.foundation import manifest
from operation.engine.foundation.children import environ
from operation.engine.foundation.layout import Layout, project
from operation.engine.monitoring import backtest, entries
from operation.engine.monitoring.period import SOURCE, isolated, periods, playable
from operation.engine.monitoring.year import Year
from operation.engine.steps.results import Output
from operation.engine.steps.runners import in_process
from operation.engine.steps.session import Session

OF_CI = ("GITHUB_", "BUILD_", "SYSTEM_")  # who runs it, and where, is no part of what happened in the past
ACTOR = {"GITHUB_ACTOR": "play"}


def folder_of(use_case: str) -> str:
    """Return the name of the folder below ``runs`` that a use case is played in."""
    return f"play/{use_case}"


def play(
    configured: Configuration, layout: Layout, until: str | None, tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Play the deliveries of a use case, write ``year.json`` and return its content.

    Parameters
    ----------
    configured : Configuration
        The use case in an environment.
    layout : Layout
        The project.
    until : str, optional
        The last period, such as 2013-07.
    tell : callable
        Gets the column of each period as soon as it is over.
    """
    length = str(playable(configured).arguments["period"])
    own = isolated(configured, layout)
    with _in_folder_of_its_own(layout, configured.use_case) as here:
        year, played = Year(own, here), list[dict[str, Any]]()
        for period in periods(_times(own, here), length, until):
            with redirect_stdout((here.runs / "log.txt").open("a", encoding="utf-8")):
                played.append(year.period(period))
            tell(played[-1])
        for column, judged in zip(played, backtest.judge(played), strict=True):
            column["judged"] = judged
        content = {
            "schema": 1,
            **{"use_case": configured.use_case, "environment": configured.environment, "length": length},
            "metric": year.metric,
            "periods": played,
            "summary": backtest.summary(played),
            "ledger": entries.last_digest(own, here),
        }
        manifest.write(here.runs / "year.json", content)
    return content


@contextmanager
def _in_folder_of_its_own(layout: Layout, use_case: str) -> Iterator[Layout]:
    """Let all that running leaves go to an empty folder while the block lasts."""
    folder = layout.absolute().runs / folder_of(use_case)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OF_CI)}
    with environ({**kept, **ACTOR, "WORKBENCH_RUNS": str(folder)}, alone=True), step_errors():
        yield project()


def _times(configured: Configuration, layout: Layout) -> Any:
    """Return the times of all rows, of which the periods are cut."""
    import pandas as pd

    with redirect_stdout((layout.runs / "log.txt").open("a", encoding="utf-8")):
        done = Session(configured, layout, in_process).step(SOURCE)
    column = str(playable(configured).arguments["event-time"])
    return pd.to_datetime(Output(done.entry.output("table")).table()[column])
