"""Register: a model that the gate accepted becomes a version in the MLflow registry."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelling import models
from support import champion, ledger, step
from support.champion import CHAMPION, Place
from support.registered import RegisteredModel, lineage
from support.registry import aliased_digest


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Register a model that the gate accepted.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train wrote")
    add("--report", type=step.input_path, required=True, help="report folder that evaluate wrote")
    add("--name", required=True, help="name of the model in the registry")
    add("--tracking-uri", required=True, help="MLflow store, e.g. sqlite:///runs/mlflow.db")
    aliases = [CHAMPION, "challenger"]
    add("--alias", choices=aliases, default="challenger", help="alias of the new version (challenger)")
    decision = "decision folder that gate wrote; what it rejected is not registered (default: not judged)"
    add("--decision", type=step.input_path, help=decision)
    add(
        "--ledger", type=Path, help="ledger of the registry; a champion then needs --decision (default: none)"
    )
    add("--environment", help="with --ledger: environment that the registry serves, e.g. DEV")
    override = "with --ledger: why the model becomes champion without an accepted decision"
    add("--override", metavar="REASON", help=override)
    add("--time", help="with --ledger: time of the entry, ISO 8601 with its zone (default: now)")
    add("--registration", type=step.output_path, required=True, help="output folder: registration.json")
    parser.set_defaults(effects_stand=effects_stand)
    return parser


def effects_stand(args: argparse.Namespace) -> bool:
    """Return whether the alias still points to the model, and the ledger knows; checked before reuse."""
    digest = str(step.read_json(args.model / "model.json")["digest"])
    if aliased_digest(args.tracking_uri, args.name, args.alias) != digest:
        return False
    if not args.ledger or args.alias != CHAMPION:
        return True
    served = place_of(args).served()
    return served is not None and served["model_digest"] == digest


def place_of(args: argparse.Namespace) -> Place:
    """Return the model in its environment, with the ledger."""
    return Place(args.ledger, args.environment, args.name, args.time)


class Decision(NamedTuple):
    """What the gate decided, and the digest of its file; None where it was not asked."""

    accepted: bool = False
    reason: str = "no gate judged it"
    digest: str | None = None


def read_decision(folder: Path | None, digest: str) -> Decision:
    """Return what the gate decided about the model with `digest`.

    Raises
    ------
    StepError
        When the decision is about another model.
    """
    if folder is None:
        return Decision()
    file = folder / "decision.json"
    content = step.read_json(file)
    if content["challenger"] != digest:
        raise step.StepError(
            f"{file} is about another model, {content['challenger'][:12]}, not {digest[:12]}: rerun the gate"
        )
    of_file = hashlib.sha256(file.read_bytes()).hexdigest()
    return Decision(content["decision"] == "accepted", content["reason"], of_file)


def check_decision(args: argparse.Namespace, decision: Decision) -> None:
    """Raise a StepError unless the model may have its alias.

    Raises
    ------
    GateRejected
        When the gate rejected it, with its reason.
    """
    if args.ledger and not args.environment:
        raise step.StepError("--ledger needs --environment: name the environment that the registry serves")
    if args.override and not (args.ledger and args.alias == CHAMPION):
        raise step.StepError("--override needs --alias champion, and --ledger, which keeps the reason")
    if args.override or decision.accepted:
        return
    if decision.digest:
        raise step.GateRejected(f"the gate rejected the model; it is not registered: {decision.reason}")
    if args.ledger and args.alias == CHAMPION:
        raise step.StepError(
            f"--alias champion: {decision.reason}: give --decision, or say why not: --override REASON, which "
            "the ledger keeps"
        )


def point_alias(
    args: argparse.Namespace, registry: RegisteredModel, version: str, digest: str, decision: Decision
) -> None:
    """Give the alias to a version, and enter that in the ledger; where it is already, nothing happens."""
    place, more = place_of(args), {"version": version, "decision_digest": decision.digest}
    expected = champion.settle(place, registry)
    if args.override and not decision.accepted:
        about: dict[str, Any] = {**more, "reason": args.override, "overridden": decision.reason}
        champion.change(place, registry, "overridden", digest, expected=expected, **about)
    elif args.alias == CHAMPION and registry.champion()[1] != digest:
        about = {**more, "reason": decision.reason, "expected": expected}
        champion.change(place, registry, "promoted", digest, **about)
    elif args.alias != CHAMPION and not registry.points(args.alias, version):
        registry.point(args.alias, version)
        entry = place.append("registered", digest, f"as {args.alias}: {decision.reason}", None, **more)
        registry.remember(ledger.head(entry))


def main(argv: Sequence[str] | None = None) -> None:
    """Check, register, write."""
    args = build_parser().parse_args(argv)

    _, facts = models.verify(args.model)
    digest, metrics = str(facts["digest"]), step.read_json(args.report / "metrics.json")
    decision = read_decision(args.decision, digest)
    check_decision(args, decision)
    registry = RegisteredModel(args.tracking_uri, args.name)
    tags = {f"metric.{key}": f"{value:.6g}" for key, value in metrics.items()} | lineage(args.model)
    tags |= {"task": str(facts["task"]), "estimator": str(facts.get("estimator"))}
    with step.new_folder(args.registration) as folder:
        version = registry.add(args.model, digest, tags, copy=False)
        if args.ledger:
            point_alias(args, registry, version, digest, decision)
        else:
            registry.point(args.alias, version)
        written = {"name": args.name, "alias": args.alias, "digest": digest, "decision": decision.digest}
        step.write_json(written, folder / "registration.json")
        step.log_metrics(folder, metrics)
    print(f"registered {args.name} version {version} as {args.alias}")


if __name__ == "__main__":
    step.run_script(main)
