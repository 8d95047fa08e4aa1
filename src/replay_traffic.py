"""Replay traffic: rows whose outcome is known pass as requests, and a split decides which model answers each.

No client was served by what this writes: it shows what a comparison would look like, and what it can find.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd

from modelling import models
from modelling.models import Model
from modelling.targets import TARGET
from scoring.scored_form import OUTPUT
from scoring.variants import CHAMPION, Split
from support import step
from tabular import tables
from tabular.columns import as_levels


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Replay rows with known outcomes as requests to two models.")
    add = parser.add_argument
    add("--champion", type=step.input_path, required=True, help="model that answers what the split leaves")
    add("--challenger", type=step.input_path, required=True, help="model that answers the challenger's share")
    add("--table", type=step.input_path, required=True, help="rows with their target, oldest first")
    add("--key", nargs="*", default=[], help="columns that stick to a variant; none: each row by itself")
    add("--share", type=float, default=0.5, help="share of keys that the challenger answers (default: 0.5)")
    add("--salt", default="", help="names the comparison: another one splits the same keys afresh")
    add(
        "--shadow",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="the champion answers every request, the challenger scores it too",
    )
    add("--threshold", type=float, default=0.5, help="two classes: probability of the positive (0.5)")
    add("--log", type=step.output_path, required=True, help="folder for table.parquet, a scored log")
    return parser


def keys_of(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Return what sticks to a variant: levels of columns, joined, or the number of the row."""
    if not names:
        return pd.Series([f"row-{row}" for row in range(len(table))], index=table.index)
    parts = [as_levels(table[name]).fillna("") for name in names]
    return parts[0].str.cat(parts[1:], sep="|") if len(parts) > 1 else parts[0]


def scored(model: Model, table: pd.DataFrame, variant: str, threshold: float) -> pd.DataFrame:
    """Return what a variant says of each row, as the log of a service has it."""
    facts = {"variant": variant, "model_digest": str(model.facts["digest"])}
    said = model.outputs(model.predict(table), threshold)
    return pd.DataFrame({**facts, **{OUTPUT + name: one for name, one in said.items()}}, index=table.index)


def labels_of(model: Model, table: pd.DataFrame) -> pd.Series:
    """Return what came true: numbers, or names of classes."""
    if not model.classes:
        return table[TARGET]
    return table[TARGET].map(dict(enumerate(model.classes)))


def predicts(model: Model) -> str:
    """Return what a model predicts, in words."""
    return step.listing(model.classes) or "a number"


def replayed(
    champion: Model, challenger: Model, table: pd.DataFrame, args: argparse.Namespace
) -> pd.DataFrame:
    """Return the scored log of one request a row.

    Returns
    -------
    DataFrame of shape (rows, 8 or more), or twice the rows in shadow mode
        As in the log of a service request_id, row, key, share (of the challenger), shadow (whether a client
        got another variant's answer), variant, model_digest, output.prediction and so on; and label.
    """
    keys = keys_of(table, args.key)
    split = Split({} if args.shadow else {"challenger": args.share}, args.salt)
    requests = pd.DataFrame(
        {
            "request_id": [f"replay-{row}" for row in range(len(table))],
            "row": 0,
            "key": keys,
            "share": 0.0 if args.shadow else args.share,
        }
    )
    drawn = keys.map(split.variant)
    parts = []
    for name, model in ((CHAMPION, champion), ("challenger", challenger)):
        own = np.ones(len(table), dtype=bool) if args.shadow else drawn.eq(name).to_numpy()
        if own.any():
            made = scored(model, table[own], name, args.threshold)
            parts.append(requests[own].assign(shadow=args.shadow and name != CHAMPION).join(made))
    log = pd.concat(parts).sort_index(kind="stable")
    return log.assign(label=labels_of(champion, table).loc[log.index]).reset_index(drop=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Load, split, predict, write."""
    args = build_parser().parse_args(argv)

    champion, challenger = models.load(args.champion), models.load(args.challenger)
    if champion.classes != challenger.classes:
        raise step.StepError(
            f"{args.champion} predicts {predicts(champion)}, {args.challenger} {predicts(challenger)}: "
            "name two models of the same target"
        )
    table = tables.read_table(args.table)
    tables.require_columns(table, [TARGET, *args.key], "--key")
    log = replayed(champion, challenger, table, args)
    with step.new_folder(args.log) as folder:
        tables.write_table(log, folder / "table.parquet")
        share = float(log["variant"].ne(CHAMPION).mean())
        step.log_metrics(folder, {"requests": float(len(table)), "challenger_share": share})
    print(f"replayed {len(table)} rows, no client was served: the challenger made {share:.1%} of the scores")


if __name__ == "__main__":
    step.run_script(main)
