r"""Public data sets of packages: guesses of `new use-case`, its metric beside scikit-learn's, same split.

.venv/bin/python -m uv pip install --no-deps --target FOLDER statsmodels palmerpenguins vega_datasets \
    plotnine plotly river
.venv/bin/python -m tests.benchmarks.datasets FOLDER --run    # all notebooks too; or name some data sets
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from operation import cli
from operation.engine.configuration import load
from operation.engine.foundation.layout import Layout
from operation.engine.steps import runners
from operation.engine.steps.session import Session

HOME = Path(__file__).parents[2]
_STATSMODELS, _PLOTLY = "statsmodels/datasets/{0}/{0}.csv", "plotly/package_data/datasets/{0}.csv.gz"
SETS = {  # file of a package, or function of scikit-learn; target
    **{name: (f"load_{name}", "target") for name in ("iris", "wine", "breast_cancer", "diabetes", "digits")},
    **{
        name: (_STATSMODELS.format(name), target)
        for name, target in {
            "co2": "co2",
            "macrodata": "infl",
            "sunspots": "SUNACTIVITY",
            "fair": "affairs",
            "anes96": "vote",
            "grunfeld": "invest",
            "statecrime": "violent",
        }.items()
    },
    "penguins": ("palmerpenguins/data/penguins.csv", "species"),
    "stocks": ("vega_datasets/_data/stocks.csv", "price"),
    "seattle-weather": ("vega_datasets/_data/seattle-weather.csv", "weather"),
    "mpg": ("plotnine/data/mpg.csv", "hwy"),
    "diamonds": ("plotnine/data/diamonds.csv", "price"),
    "tips": (_PLOTLY.format("tips"), "tip"),
    "gapminder": (_PLOTLY.format("gapminder"), "lifeExp"),
    "phishing": ("river/datasets/phishing.csv.gz", "is_phishing"),
    "airline": ("river/datasets/airline-passengers.csv", "passengers"),
}


def read(source: str, packages: Path) -> pd.DataFrame:
    """Return a data set; classes of scikit-learn's by name."""
    if not source.startswith("load_"):
        return pd.read_csv(packages / source, sep=None, engine="python")
    bunch = getattr(datasets, source)(as_frame=True)
    table: pd.DataFrame = bunch.frame.rename(columns={"target": "label"})
    names = getattr(bunch, "target_names", None)
    return table if names is None else table.assign(label=[f"kind {names[code]}" for code in bunch.target])


def scikit_learn(training: pd.DataFrame, holdout: pd.DataFrame, task: str) -> dict[str, float]:
    """Return the error of scikit-learn's linear and boosted models with the same columns and rows."""
    numbers = make_column_selector(dtype_include="number")
    linear_columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=[object, bool])),
    )
    is_number = task == "regression"
    linear: Any = RidgeCV() if is_number else LogisticRegression(max_iter=1000)
    boosted: Any = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    models = {
        "linear": make_pipeline(linear_columns, linear),
        "boosted": make_pipeline(
            make_column_transformer(
                (
                    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                    make_column_selector(dtype_include=[object, bool]),
                ),
                ("passthrough", numbers),
            ),
            boosted(random_state=0),
        ),
    }
    features = [name for name in training if name != "target"]
    errors = {}
    for name, model in models.items():
        model.fit(training[features], training["target"])
        if is_number:
            errors[name] = root_mean_squared_error(holdout["target"], model.predict(holdout[features]))
        else:
            errors[name] = log_loss(
                holdout["target"], model.predict_proba(holdout[features]), labels=model.classes_
            )
    return errors


def project(folder: Path) -> Layout:
    """Return a project without the examples."""
    for name in ("src", "configuration", "notebooks", "operation"):
        shutil.copytree(HOME / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "configuration").glob("configuration-[a-z]*.yml"):
        path.unlink()
    shutil.rmtree(folder / "configuration" / "schemas")
    shutil.rmtree(folder / "src" / "examples")
    os.environ["WORKBENCH_ROOT"] = str(folder)
    return Layout(folder)


def row(name: str, packages: Path, *, runs: bool) -> list[str]:
    """Return guesses and errors of one data set; execute all notebooks where `runs`."""
    source, target = SETS[name]
    target = "label" if target == "target" else target
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()) as said:
        layout = project(Path(folder).resolve() / "project")
        read(source, packages).to_csv(layout.root / f"{name}.csv", index=False)
        code = cli.main(
            ["new", "use-case", name, "--data", str(layout.root / f"{name}.csv"), "--target", target]
        )
        if code:
            return [name, "refused", *[""] * 6]
        guessed = [line.split(None, 1) for line in said.getvalue().splitlines()]
        session = Session(load(use_case=name, layout=layout), layout, runners.in_process)
        metrics = session.step("evaluate").metrics
        prepared = session.step("prepare").entry
        training, holdout = (pd.read_parquet(prepared.output(side)) for side in ("training", "holdout"))
        task = "regression" if "rmse" in metrics else "classification"
        metric = "rmse" if task == "regression" else "log_loss"
        theirs = scikit_learn(training, holdout, task)
        command = [sys.executable, "-m", "operation", "run", "--use-case", name]
        ended = (
            subprocess.run(command, cwd=layout.root, capture_output=True, check=False).returncode
            if runs
            else "-"
        )
    splits = [words[1].partition(":")[0] for words in guessed if words[0] == "split"]
    dropped = [words[1].removeprefix("out ").partition(":")[0] for words in guessed if words[0] == "left"]
    figures = [metrics[metric], metrics[f"baseline_{metric}"], theirs["linear"], theirs["boosted"]]
    return [
        name,
        task,
        *splits,
        ", ".join(dropped),
        metric,
        *(f"{figure:.4g}" for figure in figures),
        str(ended),
    ]


def main() -> None:
    """Print the table, a row at a time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path, help="folder into which the packages were installed")
    parser.add_argument("names", nargs="*", help="data sets (default: all)")
    parser.add_argument("--run", action="store_true", help="execute all notebooks, and print the exit code")
    args = parser.parse_args()
    print("data set | task | split | left out | metric | here | baseline | linear | boosted | run")
    for name in args.names or SETS:
        print(" | ".join(row(name, args.packages, runs=args.run)), flush=True)


if __name__ == "__main__":
    main()
