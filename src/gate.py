"""Gate: judge a challenger against the champion on equal rows, and decide, with the reasons."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from comparing import conditions, decision, looks, paired, reasons
from comparing.decision import LEAST_UNITS, Judged, Rows, Rules
from comparing.equal_rows import Holdout, read_holdout
from comparing.groups import worse_groups
from comparing.losses import of_predictions
from comparing.reasons import NON_INFERIORITY, SUPERIORITY
from modelling import models
from modelling.models import Model
from modelling.targets import TARGET
from scoring import champion_model
from scoring.champion_model import Champion
from support import ledger, step
from support.registry import aliased

FILE, SCHEMA = "decision.json", 1
MOST_LOOKS = 100  # the last ones have hardly any error rate left
AT_LEAST = {
    **{"looks": 1, "slice_rows": 1, "min_rows": 2, "resamples": 1, "random_state": 0, "min_labelled": 0},
    **{"margin": 0, "slice_margin": 0, "cost_margin": 0, "cost_false_alarm": 0, "cost_miss": 0},
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Judge a challenger against the champion on equal rows.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="challenger: model folder that train wrote")
    add("--report", type=step.input_path, required=True, help="report folder that evaluate wrote")
    add("--holdout", type=step.input_path, required=True, help="rows to judge on, unknown to both models")
    add("--champion", type=step.input_path, help="champion: model folder (default: as the registry says)")
    other = "the same rows with the columns that the champion needs, matched by --row-key"
    add("--champion-holdout", type=step.input_path, help=other)
    add("--row-key", nargs="*", default=[], help="columns that identify a row of the holdout")
    add("--name", required=True, help="name of the model in the registry")
    add("--tracking-uri", help="MLflow store of the champion, e.g. sqlite:///runs/mlflow.db")
    add("--champion-alias", default="champion", help="alias of the champion in the registry (champion)")
    broken = "a champion that cannot be loaded or judged on these rows: reject, or replace it unseen (reject)"
    add("--broken-champion", choices=["reject", "replace"], default="reject", help=broken)
    add("--conditions", nargs="*", default=[], help="e.g. roc_auc>=0.6 or rmse<baseline_rmse")
    loss = "what is compared (default: brier for classes, absolute for numbers)"
    add("--loss", choices=["brier", "error", "absolute", "squared"], help=loss)
    rule = "certainly better, or certainly not worse by --margin or more (default: superiority)"
    add("--rule", choices=[SUPERIORITY, NON_INFERIORITY], default=SUPERIORITY, help=rule)
    add("--margin", type=float, default=0.0, help="difference of the mean loss that does not matter (0)")
    wrong = "probability of a wrong promotion, all looks at a holdout together (0.05)"
    add("--error-rate", type=float, default=0.05, help=wrong)
    add("--looks", type=int, default=30, help="decisions on one holdout that share the error rate (30)")
    unit = "column whose rows belong together, e.g. a customer; of times, the day (default: each row alone)"
    add("--unit", help=unit)
    add("--slices", nargs="*", default=[], help="columns in whose categories it must not get worse")
    add("--slice-margin", type=float, default=0.0, help="difference that does not matter in a slice (0)")
    add("--slice-rows", type=int, default=200, help="rows of a slice that is judged, at least (200)")
    groups = "columns whose values together name a group: groups that got worse are listed, they veto nothing"
    add("--group-columns", nargs="*", default=[], help=groups)
    veto = "probability that any slice, or the cost, vetoes an equally good challenger (0.05)"
    add("--veto-error-rate", type=float, default=0.05, help=veto)
    add("--calibration-limit", type=float, help="largest calibration error, e.g. 0.05 (default: no limit)")
    add("--size-limit", type=float, help="largest model file, in MB (default: no limit)")
    latency = "longest time of a single row, in ms, the median of 200 (default: not measured)"
    add("--latency-limit", type=float, help=latency)
    add("--cost-false-alarm", type=float, help="cost of a false positive, or of each unit predicted too high")
    add("--cost-miss", type=float, help="cost of a false negative, or of each unit predicted too low")
    add("--cost-margin", type=float, default=0.0, help="difference of the mean cost that does not matter (0)")
    add("--min-rows", type=int, default=500, help="labelled rows below which nothing is compared (500)")
    add("--min-labelled", type=float, default=0.8, help="share of rows with a label, at least (0.8)")
    add("--holdout-digest", type=step.whole_digest, help="digest that the frozen holdout must have")
    add("--resamples", type=int, default=10_000, help="resamples of the bootstrap, at least (10000)")
    add("--random-state", type=int, default=0, help="seed (default: 0)")
    add("--ledger", type=Path, help="ledger that counts looks and records decisions (default: none)")
    add("--environment", help="with --ledger: environment of the decision, e.g. DEV")
    add("--time", help="with --ledger: time of the decision, ISO 8601 with its zone (default: now)")
    add("--decision", type=step.output_path, required=True, help="output folder: decision.json")
    parser.set_defaults(effects_stand=effects_stand, digests_elsewhere=digests_elsewhere)
    return parser


def digests_elsewhere(args: argparse.Namespace) -> dict[str, str]:
    """Return the digest of the registry's champion, which is part of the step's key."""
    if not args.tracking_uri:
        return {}
    found = aliased(args.tracking_uri, args.name, args.champion_alias)
    return {"champion": (found.digest or found.source) if found else "none"}


def effects_stand(args: argparse.Namespace) -> bool:
    """Return whether the ledger holds the decision; checked before the step is reused."""
    return not args.ledger or is_recorded(args, args.decision / "decision.json")


def is_recorded(args: argparse.Namespace, decided: Path) -> bool:
    """Return whether the ledger holds the decision in the file `decided` for the environment."""
    recorded = (args.environment, hashlib.sha256(decided.read_bytes()).hexdigest())
    entries = ledger.read(args.ledger)
    return any((entry["environment"], entry["decision_digest"]) == recorded for entry in entries)


def check_ranges(args: argparse.Namespace) -> None:
    """Raise a StepError for an argument that is out of range, or lacks its companion."""
    for name in ("error_rate", "veto_error_rate"):
        if not 0 < getattr(args, name) < 0.5:
            raise step.out_of_range(name, getattr(args, name), "a number between 0 and 0.5")
    for name, least in AT_LEAST.items():
        if getattr(args, name) is not None and not getattr(args, name) >= least:
            raise step.out_of_range(name, getattr(args, name), f"{least} or more")
    if args.looks > MOST_LOOKS:
        raise step.out_of_range(
            "looks", args.looks, f"{MOST_LOOKS} or fewer, and renew the holdout after them"
        )
    if (args.cost_false_alarm is None) != (args.cost_miss is None):
        raise step.StepError("--cost-false-alarm and --cost-miss belong together: give both, or none")
    if args.ledger and not args.environment:
        raise step.StepError("--ledger needs --environment: name the environment that is decided for")


def find_champion(args: argparse.Namespace, challenger: str) -> Champion:
    """Return the champion that an argument or the registry names; `challenger` is the digest of the other."""
    if args.champion:
        return champion_model.in_folder(args.champion, challenger)
    if args.tracking_uri:
        return champion_model.in_registry(args.tracking_uri, args.name, args.champion_alias, challenger)
    return Champion()


def read_rows(args: argparse.Namespace) -> Holdout:
    """Return the rows that both models are judged on."""
    columns = [*args.slices, *args.group_columns, *filter(None, [args.unit])]
    holdout = read_holdout(args.holdout, args.champion_holdout, args.row_key, columns, TARGET)
    if args.holdout_digest not in (None, holdout.digest):
        raise step.StepError(
            f"{args.holdout} is not the frozen holdout: its digest is {holdout.digest}; give the frozen "
            "rows, or the new digest in --holdout-digest"
        )
    return holdout


def predicted(
    args: argparse.Namespace, challenger: Model, champion: Champion, holdout: Holdout
) -> tuple[Rows, str]:
    """Return the rows with the predictions of both models, and why the champion has none."""
    rows, classes = holdout.rows, challenger.classes
    others, problem = champion.predict(holdout.champion_rows, classes)
    units = paired.unit_codes(rows[args.unit] if args.unit else None, len(rows), args.random_state)
    slices, actual = rows[[*dict.fromkeys(args.slices)]], rows[TARGET].to_numpy("float64")
    return Rows(classes, actual, units, slices, challenger.predict(rows), others), problem


def judge_difference(
    args: argparse.Namespace, rules: Rules, rows: Rows, holdout: Holdout, digests: tuple[str, str]
) -> Judged:
    """Return the sections that compare both models, and which look at the holdout this is."""
    entries = ledger.read(args.ledger) if args.ledger else []
    number = looks.number_of(entries, holdout.digest, *digests)
    rate = looks.error_rate(number, args.looks, args.error_rate)
    facts = {"number": number, "planned": args.looks, "error_rate": rate, "counted": bool(args.ledger)}
    several = len(np.unique(rows.units))
    if not rate:
        problem = f"the holdout is worn out: all {args.looks} looks at it are spent, renew it"
    elif len(rows.actual) < args.min_rows:
        problem = f"{len(rows.actual):,} labelled rows are too few to tell: {args.min_rows:,} are needed"
    elif several < LEAST_UNITS:
        problem = f"{several} units of {args.unit!r} are too few to tell: {LEAST_UNITS} are needed"
    else:
        sections, problems = decision.compare(rows, rules, rate)
        listed = {"groups": judge_groups(args, rows, holdout)} if args.group_columns else {}
        return {**sections, **listed, "looks": facts}, problems
    return {"looks": facts}, [problem]


def judge_groups(args: argparse.Namespace, rows: Rows, holdout: Holdout) -> dict[str, Any]:
    """Return the groups that got worse."""
    both: tuple[Any, Any] = rows.challenger, rows.champion
    losses = [of_predictions(rows.classes, rows.actual, predicted, args.loss) for predicted in both]
    return worse_groups(holdout.rows[args.group_columns], losses[0], losses[1], args.veto_error_rate)


def judge_latency(args: argparse.Namespace, model: Model, table: pd.DataFrame) -> Judged:
    """Return whether a single row takes no longer than the limit.

    How long it takes is printed alone: it differs each time, a decision on the same evidence does not.
    """
    if args.latency_limit is None:
        return {}, []
    measured = champion_model.row_milliseconds(model, table)
    print(f"latency: {measured:.2f} ms, the median of single rows; the limit is {args.latency_limit:g} ms")
    is_within = measured <= args.latency_limit
    problems = [] if is_within else [f"a single row takes longer than {args.latency_limit:g} ms"]
    return {"latency": {"limit_ms": args.latency_limit, "passed": is_within}}, problems


def judge_size(args: argparse.Namespace, champion: Champion) -> Judged:
    """Return the bytes of both models, and whether the challenger's are within the limit."""
    size = champion_model.file_size(args.model)
    is_within = args.size_limit is None or size <= args.size_limit * 1e6
    section = {
        "challenger": size,
        "champion": champion.size,
        "limit_mb": args.size_limit,
        "passed": is_within,
    }
    problem = f"its file has {size / 1e6:.1f} MB, more than {args.size_limit} MB"
    return {"size": section}, [] if is_within else [problem]


def judge_labels(args: argparse.Namespace, holdout: Holdout) -> Judged:
    """Return whether enough labels have arrived."""
    known, missing = len(holdout.rows), holdout.without_label
    if known >= args.min_labelled * (known + missing):
        return {}, []
    return {}, [f"{missing:,} of {known + missing:,} rows have no label yet: wait for them"]


def decide(args: argparse.Namespace, metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return the decision, with each section of its evidence."""
    challenger = models.load(args.model)
    digest = str(challenger.facts["digest"])
    champion, holdout = find_champion(args, digest), read_rows(args)
    args.loss = args.loss or ("brier" if challenger.classes else "absolute")
    rules = Rules(**{entry.name: getattr(args, entry.name) for entry in fields(Rules)})
    rows, problem = predicted(args, challenger, champion, holdout)
    held = [conditions.judge(condition, metrics) for condition in args.conditions]
    judged: list[Judged] = [
        ({"conditions": held}, reasons.against_conditions(held)),
        judge_labels(args, holdout),
    ]
    if problem and args.broken_champion == "reject":
        judged.append(({}, [f"the champion {str(champion.digest)[:12]} cannot be compared: {problem}"]))
    if rows.champion is not None:
        judged.append(judge_difference(args, rules, rows, holdout, (digest, str(champion.digest))))
    judged += [decision.judge_calibration(rows, rules), judge_latency(args, challenger, holdout.rows)]
    judged.append(judge_size(args, champion))
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "model": args.name,
        "challenger": digest,
        "champion": champion.digest,
    }
    found |= {"metric": rules.loss, "rule": rules.rule, "unit": args.unit, "holdout": holdout.facts}
    found |= {**dict.fromkeys(("difference", "power", "cost", "latency", "looks", "groups")), "slices": []}
    for sections, _ in judged:
        found |= sections
    problems = [problem for _, several in judged for problem in several]
    verdict = {"decision": "rejected" if problems else "accepted"}
    return {**found, **verdict, "reason": "; ".join(problems) or reasons.in_favour(found)}


def metrics_of(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the decision as metrics."""
    metrics = {"accepted": float(found["decision"] == "accepted")}
    if difference := found["difference"]:
        metrics["difference"] = difference["value"]
        metrics |= {f"difference_{end}": difference[end] for end in ("low", "high")}
        metrics["look"] = float(found["looks"]["number"])
    return metrics


def record(args: argparse.Namespace, found: Mapping[str, Any], file: Path) -> None:
    """Append the decision in `file` to the ledger, unless it is there."""
    if not args.ledger or is_recorded(args, file):
        return
    entry = {"event": found["decision"], "reason": found["reason"], "model": args.name}
    entry |= {"environment": args.environment, "model_digest": found["challenger"]}
    entry |= {"decision_digest": hashlib.sha256(file.read_bytes()).hexdigest()}
    entry |= {
        "holdout": found["holdout"]["digest"],
        "champion": found["champion"] if found["looks"] else None,
    }
    ledger.append(args.ledger, {**entry, **({"time": args.time} if args.time else {})})


def main(argv: Sequence[str] | None = None) -> None:
    """Read, judge, write, record."""
    args = build_parser().parse_args(argv)
    check_ranges(args)

    found = decide(args, step.read_json(args.report / "metrics.json"))
    with step.new_folder(args.decision) as folder:
        step.write_json(found, folder / FILE)
        step.log_metrics(folder, metrics_of(found))
        record(args, found, folder / FILE)
    print(f"{found['decision']}: {found['reason']}")


if __name__ == "__main__":
    step.run_script(main)
