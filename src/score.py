"""Score requests: ``init()`` loads the model, ``run(data)`` answers; the same in a notebook and a service.

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
from scoring.routing import Deployment, Exchange
from scoring.scored_log import CLOSED, Limits, ScoredLog, compact_elsewhere
from scoring.scorer import Answer, Scorer
from scoring.served_model import Served
from scoring.split_plan import LivePlan
from support import step

WORDS = "SCORE_ARGUMENTS"  # a service is given environment variables and nothing else
SERVER = "azureml_inference_server_http.api.aml_response"
REQUEST_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
LOG = logging.getLogger("score")

_exchange = Exchange()
atexit.register(_exchange.replace, None)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of what `init` takes."""
    parser = argparse.ArgumentParser(
        prog="score.py", description="Answer requests with a model's predictions."
    )
    add = parser.add_argument
    add("--model", type=Path, help="folder of the model (default: where AZUREML_MODEL_DIR says)")
    add("--name", help="the model's name in the registry; with --model, what answers call it")
    add("--version", help="with --model: what answers call its version")
    add("--alias", default="champion", help="which version of --name (default: champion)")
    add("--tracking-uri", help="MLflow's store that holds --name, such as sqlite:///runs/mlflow.db")
    add("--digest", type=step.whole_digest, help="SHA-256 that the model must have")
    add("--threshold", type=float, default=0.5, help="two classes: probability of the positive (0.5)")
    add("--most-rows", type=int, default=10_000, help="rows that one request may have (default: 10000)")
    add("--log", type=Path, help="folder for the log of scored rows (default: none is kept)")
    add("--log-leave-out", nargs="*", default=[], help="columns that the log does not keep")
    add("--log-hash", nargs="*", default=[], help="columns of which the log keeps a keyed hash only")
    add("--log-sync-seconds", type=float, default=1.0, help="how often it is forced to the disk (1)")
    add("--log-most-bytes", type=int, default=64_000_000, help="of a file before it becomes Parquet (64e6)")
    add(
        "--log-full",
        choices=["refuse", "answer"],
        default="refuse",
        help="where the log cannot be written: refuse requests, or answer and count them (default: refuse)",
    )
    add("--challenger", help="the words that name a second model, as one text")
    add("--plan", type=Path, help="with --challenger: file that says who answers, read again when it changes")
    return parser


def find(args: argparse.Namespace) -> Served:
    """Return the model that the arguments name.

    Raises
    ------
    StepError
        When there is none.
    """
    if args.model:
        found = served_model.by_path(args.model, args.digest)
        return replace(found, name=args.name, version=args.version)
    if args.name and args.tracking_uri:
        return served_model.by_alias(args.name, args.alias, args.tracking_uri, args.digest)
    return served_model.by_azure(args.digest)


def init(argv: Sequence[str] | None = None) -> None:
    """Find the model, verify it, load it, predict once; then it answers.

    Called again, it exchanges the model while requests come: those that have begun are answered by the old
    one, whose log is closed after the last of them. Where it fails, the old one goes on.

    Parameters
    ----------
    argv : sequence of str, optional
        As `arguments` declares; by default the words of the environment variable SCORE_ARGUMENTS.

    Raises
    ------
    StepError
        When there is no model, or not the one that training wrote.
    """
    args = arguments().parse_args(shlex.split(os.environ.get(WORDS, "")) if argv is None else argv)
    if args.challenger and not args.plan:
        raise step.StepError("--challenger: name the file that says who answers too, with --plan")
    champion, challenger = prepared(args, find(args)), None
    if args.challenger:
        challenger = prepared(args, find(arguments().parse_args(shlex.split(args.challenger))))
    _exchange.replace(Deployment(champion, challenger, LivePlan(args.plan) if challenger else None))


def prepared(args: argparse.Namespace, served: Served) -> Scorer:
    """Return a model that answers, warm, and with the log that the arguments ask for."""
    scorer = Scorer(served, served.load(), args.threshold, args.most_rows)
    scorer.warm_up()
    if args.log:
        scorer.log, scorer.log_is_needed = open_log(args, scorer), args.log_full == "refuse"
    return scorer


def open_log(args: argparse.Namespace, scorer: Scorer) -> ScoredLog:
    """Return the log that the arguments ask for; what earlier processes left becomes Parquet.

    Raises
    ------
    StepError
        When it cannot be written, or a column that it should not keep is none of the model's.
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
    """Return what answers, by variant: champion, and challenger where there is one.

    Whoever sets their attribute ``observed`` is told of each answer, also of models that replace them; see
    `Scorer`.

    Raises
    ------
    RuntimeError
        When `init` was not called.
    """
    return _exchange.deployment.scorers


def ready() -> Scorer:
    """Return what answers; the champion, where there is a challenger.

    Raises
    ------
    RuntimeError
        When `init` was not called.
    """
    return _exchange.deployment.champion


def can_log() -> bool:
    """Return whether requests can be answered as far as the log is concerned: it is tried.

    A service is not ready while its disk is full, unless ``--log-full answer`` says that it answers then.

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
        ``x-request-id`` becomes the id of the answer; ``x-variant-key`` is what sticks to one of two models.

    Returns
    -------
    AMLResponse or Answer
        In the server a response with its status: 200, 400 where the request is wrong, 500 with an id and
        no internals where something unexpected happened. Elsewhere the same as an `Answer`.
    """
    headers = {} if request_headers is None else {name.lower(): one for name, one in request_headers.items()}
    answer = answered(data, headers.get("x-request-id"), headers.get("x-variant-key"))
    server = sys.modules.get(SERVER)
    if server is None:
        return answer
    headers = {"Content-Type": "application/json", "x-request-id": answer.request_id}
    return server.AMLResponse(answer.body(), answer.status, headers)


def answered(
    data: str | bytes | Mapping[str, Any], asked_id: str | None = None, key: str | None = None
) -> Answer:
    """Return the answer to one request; whatever happens, it is one.

    Of two models the one answers that `key`, or else the request's id, sticks to.

    Raises
    ------
    RuntimeError
        When `init` was not called.
    """
    request_id = asked_id if asked_id and REQUEST_ID.fullmatch(asked_id) else uuid.uuid4().hex
    with _exchange.request() as deployment:
        try:
            text = json.dumps(data) if isinstance(data, Mapping) else data
            return deployment.answer(text, request_id, key)
        except Exception:  # the boundary: what went wrong is for the log, not for the client
            LOG.exception("request %s failed", request_id)
            return Answer.failed(request_id)


def main(argv: Sequence[str] | None = None) -> None:
    """Load the model as a service would, and say which one it is."""
    init(sys.argv[1:] if argv is None else argv)
    served = ready().served
    print(json.dumps({"folder": str(served.folder.absolute()), **ready().identity}))


if __name__ == "__main__":
    step.run_script(main)
