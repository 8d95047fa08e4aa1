"""Register: a model that passes the gate becomes a version in the MLflow registry."""

from __future__ import annotations

import argparse
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelling import models
from support import step
from support.registry import aliased_digest, open_registry

if TYPE_CHECKING:
    from mlflow import MlflowClient

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
CONDITION = re.compile(r"\s*([\w.-]+)\s*(>=|<=|>|<)\s*([\w.+-]+)\s*")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Register a model that passes the gate.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train wrote")
    add("--report", type=step.input_path, required=True, help="report folder that evaluate wrote")
    add("--name", required=True, help="name of the model in the registry")
    add("--tracking-uri", required=True, help="MLflow store, e.g. sqlite:///runs/mlflow.db")
    aliases = ["champion", "challenger"]
    add("--alias", choices=aliases, default="challenger", help="alias of the new version (challenger)")
    add("--gate", nargs="*", default=[], help="conditions, e.g. roc_auc>=0.6 or rmse<baseline_rmse")
    add("--registration", type=step.output_path, required=True, help="output folder: registration.json")
    parser.set_defaults(effects_stand=effects_stand)
    return parser


def effects_stand(args: argparse.Namespace) -> bool:
    """Return whether the alias still points to the model; checked before the step is reused."""
    facts = step.read_json(args.model / "model.json")
    return aliased_digest(args.tracking_uri, args.name, args.alias) == str(facts["digest"])


def judge(condition: str, metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return what a condition such as ``roc_auc>=0.6`` compares, and whether it holds.

    Raises
    ------
    StepError
        When the condition cannot be read, or names an unknown metric.
    """
    match = CONDITION.fullmatch(condition)
    if not match:
        raise step.StepError(
            f"--gate: {condition!r} is not a condition, e.g. roc_auc>=0.6 or rmse<baseline_rmse"
        )
    name, sign, limit = match.groups()
    value, bound = _value(name, metrics, condition), _value(limit, metrics, condition)
    return {"condition": condition, "value": value, "limit": bound, "passed": COMPARISONS[sign](value, bound)}


def _value(word: str, metrics: Mapping[str, float], condition: str) -> float:
    """Return the metric that `word` names, or the number that it is."""
    if word in metrics:
        return metrics[word]
    try:
        return float(word)
    except ValueError:
        known = f"{step.nearest(word, metrics)}; the metrics are: {', '.join(sorted(metrics))}"
        raise step.StepError(f"--gate: {condition!r}: there is no metric {word!r}{known}") from None


def check_gate(results: Sequence[Mapping[str, Any]]) -> None:
    """Raise a GateRejected that names each condition that does not hold."""
    failed = [
        f"{result['condition']} does not hold: {result['value']:.6g} against {result['limit']:.6g}"
        for result in results
        if not result["passed"]
    ]
    if failed:
        raise step.GateRejected("the gate rejected the model; it is not registered: " + "; ".join(failed))


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
    """Judge, register, write."""
    args = build_parser().parse_args(argv)

    _, facts = models.verify(args.model)
    metrics = step.read_json(args.report / "metrics.json")
    results = [judge(condition, metrics) for condition in args.gate]
    check_gate(results)
    client = open_registry(args.tracking_uri)
    tags = {f"metric.{key}": f"{value:.6g}" for key, value in metrics.items()}
    tags |= {"task": str(facts["task"]), "estimator": str(facts.get("estimator"))}
    with step.new_folder(args.registration) as folder:
        version = register(client, args.name, facts["digest"], args.model.absolute().as_uri(), tags)
        client.set_registered_model_alias(args.name, args.alias, version)
        facts = {"name": args.name, "alias": args.alias, "digest": facts["digest"], "gate": results}
        step.write_json(facts, folder / "registration.json")
        step.log_metrics(folder, metrics)
    print(f"registered {args.name} version {version} as {args.alias}")


if __name__ == "__main__":
    step.run_script(main)
