"""One look at a use case: signals, decision, ledger; then training, where that was asked for."""

from datetime import datetime
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.monitoring import checks, entries
from operation.engine.monitoring.signals import look, with_collect
from operation.engine.monitoring.training import as_record, train
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session


def monitor(configured: Configuration, layout: Layout, time: datetime, *, act: bool) -> dict[str, Any]:
    """Decide whether a new model is due, record that in the ledger, and train it if `act`.

    Returns
    -------
    dict
        The recorded decision; with ``training`` where a model was trained.
    """
    settings = configured.monitor
    if settings is None:
        file = f"configuration/configuration-{configured.use_case}.yml"
        raise UsageError(
            f"{file} has no `monitor:`. Add it, with new-share, max-age-days, cooldown-days, ..."
        )
    session = Session(with_collect(configured), layout, child_process)
    folder = checks.folder_of(layout, configured.use_case, configured.environment)
    champion = entries.serving(configured, layout, time)
    record = checks.decided(settings, look(session, time, champion), checks.read(folder))
    entries.append_decision(configured, layout, record, checks.write(folder, record))
    if not (act and record["train"]):
        return record
    outcome = as_record(train(session))
    checks.write_training(folder, record, outcome)
    return {**record, "training": outcome}
