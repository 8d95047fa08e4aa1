"""Score requests: ``init()`` loads the model, ``run(data)`` answers; the same in notebook and service.

Azure ML's inference server calls both. In a notebook: ``score.init(["--model", folder])``, then
``score.run({"data": [{column: value}]})``.
"""

from __future__ import annotations

import argparse
import atexit
import json
import logging
import os
import re
import shlex
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))  # the server loads this file by its path

from scoring import scored_form, served_model
from scoring.routing import Deployment, DeploymentSwitch
from scoring.scored_log import CLOSED, Limits, ScoredLog, compact_elsewhere
from scoring.scorer import Scorer, ScoreResponse
from scoring.served_model import Served
from scoring.split_plan import LivePlan
from support import step

ARGUMENTS = "SCORE_ARGUMENTS"  # a service is configured by environment variables alone
SERVER = "azureml_inference_server_http.api.aml_response"
REQUEST_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
LOG = logging.getLogger("score")

_switch = DeploymentSwitch()
atexit.register(_switch.replace, None)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of what `init` takes."""
    description = "Answer requests with a model's predictions."
    parser = argparse.ArgumentParser(prog="score.py", description=description)
    add = parser.add_argument
    add("--model", type=Path, help="model folder (default: as AZUREML_MODEL_DIR says)")
    add("--name", help="model name in the registry; with --model: name to report in answers")
    add("--version", help="with --model: version to report in answers")
    add("--alias", default="champion", help="alias of --name (default: champion)")
    add("--tracking-uri", help="MLflow store of --name, e.g. sqlite:///runs/mlflow.db")
    add("--digest", type=step.whole_digest, help="SHA-256 that the model must have")
    add("--feature-tables", type=Path, help="folder of feature tables, for the columns that rows leave out")
    add("--threshold", type=float, default=0.5, help="two classes: predict positive from here on (0.5)")
    add("--most-rows", type=int, default=10_000, help="maximum rows per request (default: 10000)")
    add("--log", type=Path, help="folder for the log of scored rows (default: no log)")
    add("--log-leave-out", nargs="*", default=[], help="columns to leave out of the log")
    add("--log-hash", nargs="*", default=[], help="columns to log as a keyed hash only")
    add("--log-sync-seconds", type=float, default=1.0, help="seconds between forced writes to disk (1)")
    add("--log-most-bytes", type=int, default=64_000_000, help="maximum size of a log file (default: 64e6)")
    full = "when the log cannot be written: refuse requests, or answer and count them (default: refuse)"
    add("--log-full", choices=["refuse", "answer"], default="refuse", help=full)
    add("--challenger", help="arguments that name a second model, as one quoted text")
    add("--plan", type=Path, help="with --challenger: plan file of the split, reread when it changes")
    return parser


def find(args: argparse.Namespace) -> Served:
    """Return the model that the arguments name.

    Raises
    ------
    StepError
        When there is none.
    """
    if args.model:
        served = served_model.by_path(args.model, args.digest)
        return replace(served, name=args.name, version=args.version)
    if args.name and args.tracking_uri:
        return served_model.by_alias(args.name, args.alias, args.tracking_uri, args.digest)
    return served_model.by_azure(args.digest)


def init(argv: Sequence[str] | None = None) -> None:
    """Find the model, verify it, load it and predict once; then answer requests with it.

    Called again, it replaces the model without a gap: requests that have begun are answered by the old one,
    whose log is closed after the last of them. If it fails, the old model keeps answering.

    Parameters
    ----------
    argv : sequence of str, optional
        As `arguments` declares; by default the value of the environment variable SCORE_ARGUMENTS.

    Raises
    ------
    StepError
        When there is no model, or not the one that training wrote.
    """
    args = arguments().parse_args(shlex.split(os.environ.get(ARGUMENTS, "")) if argv is None else argv)
    if args.challenger and not args.plan:
        raise step.StepError("--challenger needs --plan: name the plan file of the split")
    champion, challenger = load_scorer(args, find(args)), None
    if args.challenger:
        challenger = load_scorer(args, find(arguments().parse_args(shlex.split(args.challenger))))
    _switch.replace(Deployment(champion, challenger, LivePlan(args.plan) if challenger else None))


def load_scorer(args: argparse.Namespace, served: Served) -> Scorer:
    """Return a warmed-up scorer with the log that the arguments ask for."""
    scorer = Scorer(served, served.load(), args.threshold, args.most_rows, args.feature_tables)
    scorer.warm_up()
    if args.log:
        scorer.log, scorer.log_is_needed = open_log(args, scorer), args.log_full == "refuse"
    return scorer


def open_log(args: argparse.Namespace, scorer: Scorer) -> ScoredLog:
    """Open the log that the arguments ask for; files of earlier processes become Parquet.

    Raises
    ------
    StepError
        When it cannot be written, or a column to leave out or hash is unknown to the model.
    """
    redacted = scored_form.redaction(args.log, scorer.reader.schema, args.log_leave_out, args.log_hash)
    limits = Limits(args.log_sync_seconds, args.log_most_bytes)
    try:
        log = ScoredLog(args.log, scorer.model.features, redacted, limits)
    except OSError as error:
        raise step.StepError(f"--log: cannot write to {args.log}: {error.strerror or error}") from error
    if len(list(args.log.glob(f"*{CLOSED}"))) > 1:
        compact_elsewhere(args.log)
    return log


def scorers() -> dict[str, Scorer]:
    """Return the scorers by variant: champion, and challenger where there is one.

    Their attribute ``observed`` is called after each answer, also for models that replace them; see `Scorer`.

    Raises
    ------
    RuntimeError
        When `init` was not called.
    """
    return _switch.deployment.scorers


def ready() -> Scorer:
    """Return the champion's scorer.

    Raises
    ------
    RuntimeError
        When `init` was not called.
    """
    return _switch.deployment.champion


def can_log() -> bool:
    """Return whether the log can be written, or need not be; tried by writing.

    A service is not ready while its disk is full, except with ``--log-full answer``.

    Raises
    ------
    RuntimeError
        When `init` was not called.
    """
    return all(scorer.can_log() for scorer in scorers().values())


def run(data: str | bytes | Mapping[str, Any], request_headers: Mapping[str, str] | None = None) -> Any:
    """Answer one request.

    Parameters
    ----------
    data : str, bytes or mapping
        ``{"data": [{column: value, ...}, ...]}``, as JSON or as it is.
    request_headers : mapping of str to str, optional
        ``x-request-id`` becomes the id of the answer; ``x-variant-key`` decides which of two models answers.

    Returns
    -------
    AMLResponse or ScoreResponse
        In the server a response with its status: 200, 400 where the request is wrong, 500 with an id and
        no internals where something unexpected happened. Elsewhere the same as a `ScoreResponse`.
    """
    headers = {name.lower(): value for name, value in (request_headers or {}).items()}
    answer = answered(data, headers.get("x-request-id"), headers.get("x-variant-key"))
    server = sys.modules.get(SERVER)
    if server is None:
        return answer
    headers = {"Content-Type": "application/json", "x-request-id": answer.request_id}
    return server.AMLResponse(answer.body(), answer.status, headers)


def answered(
    data: str | bytes | Mapping[str, Any], client_id: str | None = None, key: str | None = None
) -> ScoreResponse:
    """Return the answer to one request, also when something unexpected happens.

    `key`, or else the request's id, decides which of two models answers.

    Raises
    ------
    RuntimeError
        When `init` was not called.
    """
    request_id = client_id if client_id and REQUEST_ID.fullmatch(client_id) else uuid.uuid4().hex
    with _switch.request() as deployment:
        try:
            text = json.dumps(data) if isinstance(data, Mapping) else data
            return deployment.answer(text, request_id, key)
        except Exception:  # the boundary: details are for the log, not for the client
            LOG.exception("request %s failed", request_id)
            return ScoreResponse.failed(request_id)


def main(argv: Sequence[str] | None = None) -> None:
    """Load the model as a service would, and print which one it is."""
    init(sys.argv[1:] if argv is None else argv)
    served = ready().served
    print(json.dumps({"folder": str(served.folder.absolute()), **ready().identity}))


if __name__ == "__main__":
    step.run_script(main)
