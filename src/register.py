"""Register: a model that the gate accepted becomes a version in the MLflow registry."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelling import models
from support import step
from support.registry import aliased_digest, open_registry

if TYPE_CHECKING:
    from mlflow import MlflowClient


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Register a model that the gate accepted.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train wrote")
    add("--report", type=step.input_path, required=True, help="report folder that evaluate wrote")
    add("--name", required=True, help="name of the model in the registry")
    add("--tracking-uri", required=True, help="MLflow store, e.g. sqlite:///runs/mlflow.db")
    aliases = ["champion", "challenger"]
    add("--alias", choices=aliases, default="challenger", help="alias of the new version (challenger)")
    decision = "decision folder that gate wrote; what it rejected is not registered (default: not judged)"
    add("--decision", type=step.input_path, help=decision)
    add("--registration", type=step.output_path, required=True, help="output folder: registration.json")
    parser.set_defaults(effects_stand=effects_stand)
    return parser


def effects_stand(args: argparse.Namespace) -> bool:
    """Return whether the alias still points to the model; checked before the step is reused."""
    facts = step.read_json(args.model / "model.json")
    return aliased_digest(args.tracking_uri, args.name, args.alias) == str(facts["digest"])


def check_decision(folder: Path, digest: str) -> str:
    """Return the digest of the decision in `folder`, which must have accepted the model with `digest`.

    Raises
    ------
    GateRejected
        When the gate rejected it, with its reason.
    StepError
        When the decision is about another model.
    """
    file = folder / "decision.json"
    decision = step.read_json(file)
    if decision["challenger"] != digest:
        raise step.StepError(
            f"{file} is about another model, {decision['challenger'][:12]}, not {digest[:12]}: rerun the gate"
        )
    if decision["decision"] != "accepted":
        raise step.GateRejected(f"the gate rejected the model; it is not registered: {decision['reason']}")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def register(client: MlflowClient, name: str, digest: str, source: str, tags: Mapping[str, str]) -> str:
    """Return the version of the model with `digest`; a new one only if the registry has none."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise step.StepError(f"the registry rejects the name {name!r}: {error.message}") from error
    for known in client.search_model_versions(f"name='{name}'"):
        if known.tags.get("digest") == digest:
            return str(known.version)
    version = client.create_model_version(name, source, tags={**tags, "digest": digest}, await_creation_for=0)
    return str(version.version)


def main(argv: Sequence[str] | None = None) -> None:
    """Check, register, write."""
    args = build_parser().parse_args(argv)

    _, facts = models.verify(args.model)
    metrics = step.read_json(args.report / "metrics.json")
    decision = check_decision(args.decision, facts["digest"]) if args.decision else None
    client = open_registry(args.tracking_uri)
    tags = {f"metric.{key}": f"{value:.6g}" for key, value in metrics.items()}
    tags |= {"task": str(facts["task"]), "estimator": str(facts.get("estimator"))}
    with step.new_folder(args.registration) as folder:
        version = register(client, args.name, facts["digest"], args.model.absolute().as_uri(), tags)
        client.set_registered_model_alias(args.name, args.alias, version)
        facts = {"name": args.name, "alias": args.alias, "digest": facts["digest"], "decision": decision}
        step.write_json(facts, folder / "registration.json")
        step.log_metrics(folder, metrics)
    print(f"registered {args.name} version {version} as {args.alias}")


if __name__ == "__main__":
    step.run_script(main)
