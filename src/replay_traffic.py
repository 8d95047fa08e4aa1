"""Replay traffic: rows with known labels stand in for requests, and a split decides which model answers each.

No client is served: it shows what a comparison would look like, and what it can find.
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
from scoring.variants import CHALLENGER, CHAMPION, Split
from support import step
from tabular import tables
from tabular.columns import as_categories


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Replay rows with known outcomes as requests to two models.")
    add = parser.add_argument
    add("--champion", type=step.input_path, required=True, help="model that answers the remaining keys")
    add(
        "--challenger", type=step.input_path, required=True, help="model that answers its --share of the keys"
    )
    add("--table", type=step.input_path, required=True, help="rows with their target, oldest first")
    add(
        "--key",
        nargs="*",
        default=[],
        help="columns whose values stick to a variant (default: each row alone)",
    )
    add("--share", type=float, default=0.5, help="share of keys that the challenger answers (default: 0.5)")
    add("--salt", default="", help="name of the comparison: another one splits the same keys afresh")
    shadow = "the champion answers every request and the challenger scores it too"
    add("--shadow", action=argparse.BooleanOptionalAction, default=False, help=shadow)
    add("--threshold", type=float, default=0.5, help="two classes: predict positive from here on (0.5)")
    add("--log", type=step.output_path, required=True, help="output folder: table.parquet, a scored log")
    return parser


def keys_of(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Return the key of each row: its values in the columns `names`, joined, or else its number."""
    if not names:
        return pd.Series([f"row-{row}" for row in range(len(table))], index=table.index)
    parts = [as_categories(table[name]).fillna("") for name in names]
    return parts[0].str.cat(parts[1:], sep="|") if len(parts) > 1 else parts[0]


def scored(model: Model, table: pd.DataFrame, variant: str, threshold: float) -> pd.DataFrame:
    """Return a variant's predictions of each row, in the form of a service's log."""
    facts = {"variant": variant, "model_digest": str(model.facts["digest"])}
    outputs = model.outputs(model.predict(table), threshold)
    columns = {OUTPUT + name: values for name, values in outputs.items()}
    return pd.DataFrame({**facts, **columns}, index=table.index)


def labels_of(model: Model, table: pd.DataFrame) -> pd.Series:
    """Return the label of each row: a number, or the name of a class."""
    if not model.classes:
        return table[TARGET]
    return table[TARGET].map(dict(enumerate(model.classes)))


def describe_target(model: Model) -> str:
    """Return what a model predicts: its classes, or a number."""
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
    split = Split({} if args.shadow else {CHALLENGER: args.share}, args.salt)
    names = [f"replay-{row}" for row in range(len(table))]
    share = 0.0 if args.shadow else args.share
    requests = pd.DataFrame({"request_id": names, "row": 0, "key": keys, "share": share})
    variants = keys.map(split.variant)
    parts = []
    for name, model in ((CHAMPION, champion), (CHALLENGER, challenger)):
        own = np.ones(len(table), dtype=bool) if args.shadow else variants.eq(name).to_numpy()
        if own.any():
            outputs = scored(model, table[own], name, args.threshold)
            parts.append(requests[own].assign(shadow=args.shadow and name != CHAMPION).join(outputs))
    log = pd.concat(parts).sort_index(kind="stable")
    return log.assign(label=labels_of(champion, table).loc[log.index]).reset_index(drop=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Load, split, predict, write."""
    args = build_parser().parse_args(argv)

    champion, challenger = models.load(args.champion), models.load(args.challenger)
    if champion.classes != challenger.classes:
        raise step.StepError(
            f"{args.champion} predicts {describe_target(champion)}, {args.challenger} "
            f"{describe_target(challenger)}: name two models of the same target"
        )
    table = tables.read_table(args.table)
    tables.require_columns(table, [TARGET, *args.key], "--key")
    log = replayed(champion, challenger, table, args)
    with step.new_folder(args.log) as folder:
        tables.write_table(log, folder / "table.parquet")
        share = float(log["variant"].ne(CHAMPION).mean())
        step.log_metrics(folder, {"requests": float(len(table)), "challenger_share": share})
    print(f"replayed {len(table)} rows; the challenger made {share:.1%} of the scores; no client was served")


if __name__ == "__main__":
    step.run_script(main)
