"""Train many: a model for each group, the same bytes from one process and several, failures apart."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import score
import train_many
from modelling import group_fit, group_training, models
from modelling.group_fit import ConstantTarget
from support import step
from tabular import tables
from tests.src import demand
from tests.src.demand import GROUPS, LINEAR, MODELS, Prepared
from tests.src.requesting import request, value
from tests.src.running import contents, error_of, run

MANY = int(os.environ.get("WORKBENCH_GROUPS", "600"))
TREES: list[object] = [*MODELS, "--max-iter", 5, "--min-samples-leaf", 5, "--calibration", 28]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return demand.prepare(tmp_path_factory.mktemp("sales"), demand.sales())


def of_group(table: pd.DataFrame, group: str) -> pd.Series:
    shop, product = group.split(" & ")
    return (table["shop"] == shop) & (table["product"] == product)


def errors(model: Path) -> dict[str, str]:
    table = tables.read_table(model / "errors.parquet", allow_empty=True)
    return dict(zip(table["group"], table["type"], strict=True))


@pytest.mark.parametrize("words", [LINEAR, TREES], ids=["linear", "trees"])
def test_the_same_bytes_from_one_process_and_from_two(
    tmp_path: Path, prepared: Prepared, words: list[object]
) -> None:
    one, two = (prepared.train(tmp_path / str(count), *words, "--workers", count) for count in (1, 2))
    assert contents(one) == contents(two)


@pytest.mark.parametrize("words", [LINEAR, TREES], ids=["linear", "trees"])
def test_the_same_bytes_in_parts_and_as_a_whole(
    tmp_path: Path, prepared: Prepared, words: list[object]
) -> None:
    table = tables.read_table(prepared.training)
    table.loc[of_group(table, "b & y"), "target"] = 7.0  # a group that fails
    table = pd.concat([table[of_group(table, group)] for group in reversed(GROUPS)])  # in any order
    training = prepared.changed(tmp_path / "t", table)
    words = [*words, "--workers", 1, "--pooled-rows", 500]
    whole = prepared.train(tmp_path / "whole", *words, training=training)
    parts = prepared.train(tmp_path / "parts", *words, "--part-rows", 400, training=training)
    assert errors(parts) == {"b & y": "ConstantTarget"}
    assert contents(parts) == contents(whole)


def test_forecasts_in_parts_are_those_of_the_whole(tmp_path: Path, prepared: Prepared) -> None:
    words = ["--model", prepared.train(tmp_path / "m", *LINEAR), "--table", prepared.holdout]
    run("forecast_many", *words, "--forecasts", tmp_path / "whole")
    run("forecast_many", *words, "--part-rows", 50, "--forecasts", tmp_path / "parts")
    assert len(list((tmp_path / "parts").glob("part-*.parquet"))) > 1
    pd.testing.assert_frame_equal(*(tables.read_table(tmp_path / name) for name in ("whole", "parts")))


def test_a_pooled_model_of_no_group_is_refused(tmp_path: Path, prepared: Prepared) -> None:
    assert error_of(prepared.train, tmp_path / "m", *LINEAR, "--pooled-rows", 1) == (
        "--pooled-rows: 1 are fewer than those of a group: give more"
    )


def test_each_group_is_predicted_by_a_model_of_its_own_rows(tmp_path: Path, prepared: Prepared) -> None:
    model = models.load(prepared.train(tmp_path / "m", *LINEAR))
    training, holdout = tables.read_table(prepared.training), tables.read_table(prepared.holdout)
    together = model.predict(holdout)
    chosen = of_group(training, "c & x")
    alone = prepared.changed(tmp_path / "alone", training[chosen])
    own = models.load(prepared.train(tmp_path / "own", *LINEAR, training=alone))
    rows = of_group(holdout, "c & x")
    assert own.predict(holdout[rows]) == pytest.approx(together[rows], rel=1e-9)


def test_a_single_row_gets_the_same_bits(tmp_path: Path, prepared: Prepared) -> None:
    holdout = tables.read_table(prepared.holdout)
    for number, words in enumerate((LINEAR, TREES)):
        model = models.load(prepared.train(tmp_path / str(number), *words))
        together = model.predict(holdout)
        assert [model.predict(holdout.iloc[[row]])[0] for row in range(0, 120, 17)] == together[
            :120:17
        ].tolist()


def test_the_index_tells_of_each_group(tmp_path: Path, prepared: Prepared) -> None:
    index = tables.read_table(prepared.train(tmp_path / "m", *LINEAR) / "groups.parquet")
    assert index["group"].tolist() == GROUPS
    assert set(index["rows"]) == {172}
    assert set(index["source"]) == {"group"}
    assert (index["low"] < index["high"]).all()


def poisoned(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(promotion=table["promotion"].astype(str))
    table.loc[of_group(table, "a & x"), "target"] = np.nan
    table.loc[of_group(table, "a & y"), "target"] = 7.0
    table.loc[of_group(table, "b & x") & (table["date"] == "2019-03-01"), "sold lag 7"] = np.inf
    table.loc[of_group(table, "b & y") & (table["date"] == "2019-03-01"), "promotion"] = "yes"
    return table[~of_group(table, "c & x") | (table["date"] == "2019-03-01")]


@pytest.mark.parametrize("words", [LINEAR, TREES], ids=["linear", "trees"])
def test_poisoned_groups_are_listed_and_no_others(
    tmp_path: Path, prepared: Prepared, words: list[object]
) -> None:
    training = prepared.changed(tmp_path / "t", poisoned(tables.read_table(prepared.training)))
    one, two = (
        prepared.train(tmp_path / str(count), *words, "--workers", count, training=training)
        for count in (1, 2)
    )
    expected = {"a & x": "MissingTarget", "a & y": "ConstantTarget", "b & x": "StepError"}
    assert errors(one) == {**expected, "b & y": "StepError", "c & x": "TooFewRows"}
    assert contents(one) == contents(two)
    table = tables.read_table(one / "errors.parquet").set_index("group")
    assert table.loc["a & y", "message"] == "the target is 7 in all 172 rows"
    assert "holds 'yes'" in table.loc["b & y", "message"]
    assert table["line"].str.fullmatch(r"\w+\.py:\d+").all()


WAYS = ["MissingTarget", "ConstantTarget", "NotFinite", "ProcessDied", "StepError", "TooFewRows"]
DEADLY = 6.6  # a target at which the process is killed


def many_groups(count: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return rows of groups, of which one in a hundred is poisoned in six ways, and the errors of these."""
    random = np.random.default_rng(0)
    names = [f"{number:05}" for number in range(count)]
    rows = pd.DataFrame({"group": np.repeat(names, 70), "x": random.random(70 * count).round(3).astype(str)})
    rows["target"] = random.random(len(rows))
    poison = dict(zip(names[::100], itertools.cycle(WAYS)))
    way = rows["group"].map(poison)
    first = ~rows["group"].duplicated()
    rows["target"] = rows["target"].mask(way == "MissingTarget").mask(way == "ConstantTarget", 7.0)
    rows["target"] = rows["target"].mask(first & (way == "NotFinite"), np.inf)
    rows["target"] = rows["target"].mask(first & (way == "ProcessDied"), DEADLY)
    rows["x"] = rows["x"].mask(first & (way == "StepError"), "yes")
    return rows[first | (way != "TooFewRows")], poison


def test_of_many_groups_exactly_the_poisoned_are_listed_and_a_killed_worker_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_group, killed, kills = group_fit.fit_group, tmp_path / "killed", False

    def fit_or_die(task: Any, features: Any, target: Any) -> Any:
        if target[0] == DEADLY or (kills and not killed.exists()):
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return fit_group(task, features, target)

    monkeypatch.setattr(group_training, "fit_group", fit_or_die)
    rows, poison = many_groups(MANY)
    table = tmp_path / "table.parquet"
    rows.iloc[-700:].assign(x=1.0).to_parquet(table)
    prepared = Prepared(tmp_path)
    outputs = [
        "--training",
        tmp_path / "sound",
        "--holdout",
        prepared.holdout,
        "--features",
        prepared.features,
    ]
    run("prepare", "--table", table, "--task", "regression", "--target", "target", "--numeric", "x", *outputs)
    prepared.changed(prepared.training, rows)
    words = ["--group-columns", "group", "--estimator", "constant", "--workers", 2]
    first = prepared.train(tmp_path / "first", *words)
    assert errors(first) == poison
    killed.unlink()
    kills = True
    assert contents(prepared.train(tmp_path / "second", *words)) == contents(first)
    assert killed.exists()


def test_an_unknown_group_gets_the_pooled_model(tmp_path: Path, prepared: Prepared) -> None:
    model = prepared.train(tmp_path / "m", *LINEAR)
    holdout = tables.read_table(prepared.holdout)
    table = pd.concat([holdout, holdout[of_group(holdout, "a & x")].assign(shop="new")], ignore_index=True)
    rows = prepared.changed(tmp_path / "rows", table)
    run("forecast_many", "--model", model, "--table", rows, "--keep", "shop", "--forecasts", tmp_path / "o")
    found = tables.read_table(tmp_path / "o" / "table.parquet")
    assert (found["source"] == "pooled").equals(found["shop"] == "new")
    assert (found["low"] <= found["prediction"]).all()
    assert (found["prediction"] <= found["high"]).all()
    assert step.read_json(tmp_path / "o" / "metrics.json")["rows_pooled"] == (table["shop"] == "new").sum()


def test_a_table_without_times(tmp_path: Path, prepared: Prepared) -> None:
    words = ["--group-columns", "shop", "--estimator", "linear"]
    index = tables.read_table(prepared.train(tmp_path / "m", *words) / "groups.parquet")
    assert (index["group"].tolist(), set(index["rows"])) == (["a", "b", "c"], {344})


def test_too_few_rows_for_intervals_are_refused(tmp_path: Path, prepared: Prepared) -> None:
    assert error_of(prepared.train, tmp_path / "m", *LINEAR, "--calibration", 8) == (
        "--calibration: 8 rows cannot tell intervals that cover 0.8: give 9 or more"
    )


def test_shares_that_are_joined_are_the_whole(
    tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepared.train(tmp_path / "whole", *TREES)
    shares = [
        prepared.train(tmp_path / "shares" / str(number), *TREES, "--share", f"{number}/2")
        for number in (1, 2)
    ]
    assert [len(tables.read_table(share / "groups.parquet")) for share in shares] == [3, 3]
    monkeypatch.setattr(group_training, "fit_group", None)  # whoever calls it fails
    assert contents(prepared.train(tmp_path / "joined", *TREES, "--known", tmp_path / "shares")) == contents(
        whole
    )


def test_mini_batches_of_azure_ml_fit_shares(
    tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{number}.txt" for number in (1, 2)]
    for number, file in enumerate(files, 1):
        file.write_text(f"{number}/2", encoding="utf-8")
    rows = ["--training", prepared.training, "--features", prepared.features, "--model", tmp_path / "shares"]
    driver = ["--scoring_module_name", "train_many.py", "--mini_batch_size", "1", "--output", tmp_path]
    words = [*driver, *rows, *TREES, "--input_fds_0", "shares"]
    monkeypatch.setattr("sys.argv", ["driver.py", *map(str, words)])
    assert train_many.run([str(files[0])]) == ["1/2"]
    assert train_many.run([str(files[1])]) == ["2/2"]
    monkeypatch.setattr(group_training, "fit_group", None)  # whoever calls it fails
    joined = prepared.train(tmp_path / "joined", *TREES, "--known", tmp_path / "shares")
    assert tables.read_table(joined / "groups.parquet")["group"].tolist() == GROUPS


def test_only_what_failed_is_fitted_again(
    tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_group, calls = group_fit.fit_group, list[int]()

    def fit_some(task: Any, features: Any, target: Any) -> Any:
        calls.append(len(target))
        if len(calls) == 4:
            raise MemoryError("no memory left")
        return fit_group(task, features, target)

    monkeypatch.setattr(group_training, "fit_group", fit_some)
    one = ["--workers", 1]
    first = prepared.train(tmp_path / "first", *TREES, *one)
    assert errors(first) == {"b & y": "MemoryError"}
    second = prepared.train(tmp_path / "second", *TREES, *one, "--known", first)
    assert len(calls) == 7
    assert contents(second) == contents(prepared.train(tmp_path / "fresh", *TREES))


@pytest.mark.parametrize("share", ["0/2", "3/2", "1", "a/b"])
def test_shares_that_cannot_be_read(tmp_path: Path, prepared: Prepared, share: str) -> None:
    expected = f"--share: {share!r} is not number/count, e.g. 3/16"
    assert error_of(prepared.train, tmp_path / "m", *TREES, "--share", share) == expected


def test_one_group_alone_raises_what_speaks_against_it(tmp_path: Path, prepared: Prepared) -> None:
    training = prepared.changed(tmp_path / "t", poisoned(tables.read_table(prepared.training)))
    for words in (LINEAR, TREES):
        with pytest.raises(ConstantTarget, match="the target is 7 in all 172 rows"):
            prepared.train(tmp_path / "m", *words, "--only", "a & y", training=training)
    alone = prepared.train(tmp_path / "c & y", *TREES, "--only", "c & y", training=training)
    assert tables.read_table(alone / "groups.parquet")["group"].tolist() == ["c & y"]
    assert error_of(prepared.train, tmp_path / "m", *LINEAR, "--only", "c & z") == (
        "--only: there is no group 'c & z' (did you mean 'c & y'?)"
    )


def test_a_service_tells_interval_and_source_and_counts_what_is_pooled(
    tmp_path: Path, prepared: Prepared
) -> None:
    model = prepared.train(tmp_path / "m", *LINEAR)
    counts = list[int]()
    score.init(["--model", str(model)])
    score.ready().pooled = counts.append
    columns = models.load(model).features.columns
    rows = tables.read_table(prepared.holdout).iloc[:2][columns].to_dict("records")
    known, unknown = ({name: value(cell) for name, cell in row.items()} for row in rows)
    document = score.run(request(known, {**unknown, "shop": "new"})).document
    (own, pooled), batch = document["predictions"], batch_scores(tmp_path, model, prepared.holdout)
    assert (own["source"], pooled["source"], counts) == ("group", "pooled", [1])
    assert own == batch.iloc[0].to_dict()
    assert own["low"] < own["prediction"] < own["high"]
    assert pooled["low"] < pooled["prediction"] < pooled["high"]


def batch_scores(folder: Path, model: Path, table: Path) -> pd.DataFrame:
    run("batch_score", "--model", model, "--table", table, "--scores", folder / "scores")
    return tables.read_table(folder / "scores")


def test_without_calibration_there_are_no_intervals(tmp_path: Path, prepared: Prepared) -> None:
    model = prepared.train(tmp_path / "m", *LINEAR, "--calibration", 0)
    assert [*batch_scores(tmp_path, model, prepared.holdout)] == ["prediction", "source"]
