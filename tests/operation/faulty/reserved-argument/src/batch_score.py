"""Score: the last step."""

from __future__ import annotations

import argparse

import utils


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(description="Predict each row.")
    parser.add_argument("--model", type=utils.input_path, required=True, help="a model")
    parser.add_argument("--table", type=utils.input_path, required=True, help="rows to predict")
    parser.add_argument("--scores", type=utils.output_path, required=True, help="folder for the scores")
    parser.add_argument("--using")
    return parser
