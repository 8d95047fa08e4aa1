"""Score: the last step."""

from __future__ import annotations

import argparse

from support import step


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(description="Predict each row.")
    parser.add_argument("--model", type=step.input_path, required=True, help="a model")
    parser.add_argument("--table", type=step.input_path, required=True, help="rows to predict")
    parser.add_argument("--scores", type=step.output_path, required=True, help="folder for the scores")
    return parser
