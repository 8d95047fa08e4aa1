"""Train: the second step."""

from __future__ import annotations

import argparse

import utils


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(description="Fit an estimator.")
    parser.add_argument("--table", type=utils.input_path, required=True, help="rows to learn from")
    parser.add_argument("--schema", type=utils.input_path, help="what a row holds")
    parser.add_argument("--target", required=True, help="column to predict")
    parser.add_argument(
        "--estimator", choices=["gradient-boosting", "linear"], default="linear", help="learner"
    )
    parser.add_argument("--learning-rate", type=float, default=0.1, help="weight of a tree")
    parser.add_argument("--max-iter", type=int, default=100, help="number of trees")
    parser.add_argument("--features", nargs="*", default=[], help="columns to learn from")
    parser.add_argument("--early-stopping", action=argparse.BooleanOptionalAction, default=False, help="stop")
    parser.add_argument("--model", type=utils.output_path, required=True, help="folder for the model")
    return parser
