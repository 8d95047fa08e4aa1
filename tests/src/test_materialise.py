"""Feature tables: made once, joined as known at the time, looked up online with the same result."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import score
from modelling import models
from scoring.online_features import OnlineFeatures
from support import step
from tabular import feature_store, tables
from tests.src.running import FEATURE_TABLES, Trained, child, contents, error_of, run

DEFINITION = """description: visits of a patient
owner: ward
version: 3
entity: [patient]
event-time: at
known-since: known
valid-until: until
freshness: 30d
columns:
  pulse: beats a minute
  risk: low or high
  smokes: whether
"""
DAY = pd.Timedelta(days=1)


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    file = tmp_path / "visits.yml"
    file.write_text(DEFINITION, encoding="utf-8")
    return file


def visits(**columns: object) -> pd.DataFrame:
    """Return three visits of two patients; the first one's pulse was corrected nine days later."""
    start = pd.Timestamp("2026-01-01")
    table = pd.DataFrame(
        {
            "patient": [7, 7, 7, 8],
            "at": [start, start, start + 5 * DAY, start],
            "known": [start, start + 9 * DAY, start + 5 * DAY, start],
            "until": [pd.NaT, pd.NaT, start + 20 * DAY, pd.NaT],
            "pulse": [60, 61, 70, 80],
            "risk": ["low", "low", "high", None],
            "smokes": [True, True, False, True],
        }
    )
    return table.assign(**columns)


def materialise(folder: Path, definition: Path, table: pd.DataFrame, *words: object) -> Path:
    tables.write_table(table, folder / "source.parquet")
    target = folder / "made"
    run(
        "materialise",
        "--table",
        folder / "source.parquet",
        "--definition",
        definition,
        "--feature-tables",
        target,
        *words,
    )
    return target


def test_equal_sources_give_equal_bytes_whatever_their_order(tmp_path: Path, definition: Path) -> None:
    first = contents(materialise(tmp_path, definition, visits()) / "visits")
    shutil.rmtree(tmp_path / "made")
    again = contents(materialise(tmp_path, definition, visits().sample(frac=1, random_state=1)) / "visits")
    assert sorted(first) == ["definition.json", "online.sqlite", "table.parquet"]
    assert first == again


def test_a_late_correction_does_not_reach_rows_before_it_was_known(tmp_path: Path, definition: Path) -> None:
    folder = materialise(tmp_path, definition, visits())
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta([-1, 0, 4, 5, 9, 19, 20, 29], unit="D")
    rows = pd.DataFrame({"patient": [7] * 8, "when": days})
    table, joined = feature_store.add_known(rows, folder, "when", ["pulse", "risk"])
    assert table["pulse"].fillna(0).tolist() == [0, 60, 60, 70, 70, 70, 0, 0]
    assert joined["tables"][0] | {"digest": ""} == {
        **{"name": "visits", "version": "3", "digest": "", "entity": ["patient"]},
        "columns": ["pulse", "risk"],
    }


def test_what_was_known_later_changes_nothing_of_yesterday(tmp_path: Path, definition: Path) -> None:
    rows = pd.DataFrame({"patient": [7, 8], "when": pd.to_datetime(["2026-01-03", "2026-01-04"])})
    yesterday = visits().query("known < '2026-01-05'")
    folder = materialise(tmp_path, definition, yesterday)
    before, _ = feature_store.add_known(rows, folder, "when", ["pulse"])
    shutil.rmtree(folder)
    after, _ = feature_store.add_known(rows, materialise(tmp_path, definition, visits()), "when", ["pulse"])
    pd.testing.assert_frame_equal(before, after)


def test_versions_of_a_raw_table_are_features_as_they_were_known(tmp_path: Path) -> None:
    """A correction that was delivered later changes what is known from then on, and nothing before."""
    arrived = tmp_path / "arrived"
    arrived.mkdir()
    for day, pulse in (("2026-01-02", 60), ("2026-01-09", 66)):
        table = pd.DataFrame({"patient": [7], "at": ["2026-01-01"], "pulse": [pulse]})
        table.to_csv(arrived / f"visits-{day}.csv", index=False)
    raw = ["--raw-table", tmp_path / "raw"]
    words = ["--key", "patient", "at", "--event-time", "at", "--deliveries", tmp_path / "deliveries"]
    run("collect", *raw, "--data", arrived, *words)
    run("ingest", *raw, "--versions", "--table", tmp_path / "versions")
    file = tmp_path / "visits.yml"
    text = DEFINITION.replace("known-since: known\nvalid-until: until\n", "known-since: known_since\n")
    file.write_text(text.partition("  risk")[0], encoding="utf-8")
    folder = materialise(tmp_path, file, tables.read_table(tmp_path / "versions"))
    rows = pd.DataFrame({"patient": 7, "when": pd.date_range("2026-01-01", "2026-01-12", freq="2D")})
    found, _ = feature_store.add_known(rows, folder, "when", ["pulse"])
    assert found["pulse"].fillna(0).tolist() == [0, 60, 60, 60, 60, 66]


def test_a_look_up_gives_what_the_join_gives(tmp_path: Path, definition: Path) -> None:
    folder = materialise(tmp_path, definition, visits())
    moments = pd.date_range("2025-12-31", "2026-03-01", freq="7h")
    rows = pd.DataFrame({"patient": np.resize([7, 8, 9], len(moments)), "when": moments})
    wanted = ["pulse", "risk", "smokes"]
    table, recorded = feature_store.add_known(rows, folder, "when", wanted)
    online = OnlineFeatures(folder, recorded)
    for row in table.to_dict("records"):
        asked = {"patient": row["patient"], "when": row["when"].to_pydatetime()}
        without = online.add(asked)
        expected = {name: None if pd.isna(row[name]) else row[name] for name in wanted}
        assert {name: asked[name] for name in wanted} == expected
        assert without == ([] if row["pulse"] == row["pulse"] else ["visits"])


MISTAKES = {
    "owner: ward": ("", "visits.yml:1: 'owner' is missing: add it"),
    "freshness: 30d": (
        "freshness: 30",
        "visits.yml:8: 'freshness': expected a duration such as 90min, 2h or 7d, found 30",
    ),
    "known-since": ("known-sinse", "visits.yml:6: 'known-sinse' is not known (did you mean 'known-since'?)"),
    "pulse: beats": ("at: beats", "visits.yml:9: 'at' is the entity or a time: it is no feature, remove it"),
    "entity: [patient]": ("entity: []", "visits.yml:4: 'entity': List should have at least 1 item"),
    "description: visits": ("- visits\nx: visits", "visits.yml is not YAML: "),
    "columns:": (
        "function: recent_outcome\ncolumns:",
        "there is no function 'recent_outcome' (did you mean 'recent_outcomes'?)",
    ),
    "version: 3": (
        "version: 3\nfunction: recent_outcomes",
        "parameters of recent_outcomes: missing a required argument",
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_a_definition_is_one_message(tmp_path: Path, definition: Path, text: str) -> None:
    wrong, message = MISTAKES[text]
    definition.write_text(DEFINITION.replace(text, wrong), encoding="utf-8")
    assert message in error_of(materialise, tmp_path, definition, visits())
    assert not (tmp_path / "made").exists()


SOURCES = {
    "no column": (visits().drop(columns="pulse"), "feature table 'visits': there is no column 'pulse'"),
    "twice": (
        visits(known=pd.Timestamp("2026-01-01")),
        "2 rows are of the same entity and times (patient 7,",
    ),
    "zones": (
        visits(at=visits()["at"].dt.tz_localize("UTC")),
        "column 'at' has times with a zone, column 'known' have none",
    ),
    "mixed": (
        visits(at=["2026-01-01", "2026-01-02T00:00+05", "2026-01-03", "2026-01-04"]),
        "1 times have a zone, 3 have none",
    ),
    "no time": (visits(known=[pd.NaT, *visits()["known"][1:]]), "1 of 4 values are not times"),
    "no entity": (visits(patient=[None, 7, 7, 8]), "1 of 4 rows have no 'patient', which names the entity"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_that_cannot_be_used_is_one_message(tmp_path: Path, definition: Path, kind: str) -> None:
    table, message = SOURCES[kind]
    assert message in error_of(materialise, tmp_path, definition, table)


def test_rows_that_cannot_be_joined_are_one_message(tmp_path: Path, definition: Path) -> None:
    folder = materialise(tmp_path, definition, visits())
    rows = pd.DataFrame({"patient": [7], "when": pd.to_datetime(["2026-01-03"]), "pulse": [1]})

    def message(table: pd.DataFrame, place: Path = folder, time: str | None = "when") -> str:
        return error_of(feature_store.add_known, table, place, time, ["pulse"])

    assert (
        message(rows)
        == "column 'pulse' is in the rows and in feature table 'visits': leave one out, or rename it"
    )
    rows = rows.drop(columns="pulse")
    assert message(rows.drop(columns="patient")).startswith(
        "feature table 'visits': the rows: there is no column 'patient'"
    )
    assert (
        message(rows, time=None)
        == "--feature-tables needs --time-column: name the column with the time of a row"
    )
    assert "column 'patient' holds 'x' in the rows, and numbers" in message(rows.assign(patient="x"))
    zoned = rows.assign(when=rows["when"].dt.tz_localize("UTC"))
    assert message(zoned).startswith("column 'when' has times with a zone, feature table 'visits' have none")
    assert message(rows, tmp_path / "nowhere").endswith(
        "nowhere holds no feature table: name what materialise wrote"
    )
    file = folder / "visits" / "table.parquet"
    file.write_bytes(file.read_bytes() + b"x")
    assert message(rows).endswith(
        "table.parquet is not what materialise wrote: rerun the step that writes it"
    )


def test_another_version_than_the_model_was_trained_with_is_refused(tmp_path: Path, definition: Path) -> None:
    folder = materialise(tmp_path, definition, visits())
    recorded = {"time_column": "when", "tables": [{"name": "visits", "version": "2", "columns": ["pulse"]}]}
    said = "is version 3, the model was trained with version 2: name that one, or retrain"
    assert error_of(OnlineFeatures, folder, recorded).endswith(said)
    assert error_of(feature_store.fill, pd.DataFrame(), folder, recorded).endswith(said)
    recorded["tables"][0]["name"] = "visit"  # type: ignore[index]
    assert "holds no feature table 'visit' (did you mean 'visits'?)" in error_of(
        OnlineFeatures, folder, recorded
    )


def looked_up(flights: Trained) -> tuple[pd.DataFrame, list[str]]:
    """Return the holdout without the columns that feature tables give, and these."""
    recorded = models.read_facts(flights.model)["feature_tables"]
    columns = [name for one in recorded["tables"] for name in one["columns"]]
    return tables.read_table(flights.holdout).drop(columns=columns), columns


def test_online_batch_and_training_features_are_equal_for_every_row_of_the_holdout(
    flights: Trained, tmp_path: Path
) -> None:
    """Also to the last bit: the probabilities are compared."""
    folder = flights.model.parent / FEATURE_TABLES
    rows, columns = looked_up(flights)
    assert len(columns) == 28
    file = tmp_path / "rows.parquet"
    tables.write_table(rows, file)
    words = ["--model", flights.model, "--table", file, "--feature-tables", folder, "--part-rows", 700]
    run("batch_score", *words, "--scores", tmp_path / "joined")
    run("batch_score", "--model", flights.model, "--table", flights.holdout, "--scores", tmp_path / "given")
    expected = tables.read_table(tmp_path / "given")["probability"]
    assert tables.read_table(tmp_path / "joined")["probability"].tolist() == expected.tolist()
    score.init(["--model", str(flights.model), "--feature-tables", str(folder)])
    sent = rows.drop(columns=["target", "month", "airline"]).assign(
        scheduled_departure=rows["scheduled_departure"].dt.strftime("%Y-%m-%dT%H:%M:%S")
    )
    answer = score.run(json.dumps({"data": json.loads(sent.to_json(orient="records", double_precision=15))}))
    assert answer.status == 200, answer.document
    reader = score.ready().reader
    read = reader.read(json.dumps({"data": json.loads(sent.to_json(orient="records", double_precision=15))}))
    trained = tables.read_table(flights.holdout)
    for name in columns:
        np.testing.assert_array_equal(read.columns[name], trained[name].to_numpy("float64"), err_msg=name)


def test_rows_that_give_the_columns_themselves_are_taken_as_given(flights: Trained) -> None:
    score.init(
        ["--model", str(flights.model), "--feature-tables", str(flights.model.parent / FEATURE_TABLES)]
    )
    rows, columns = looked_up(flights)
    row = json.loads(
        rows.head(1).drop(columns=["target", "month", "airline"]).to_json(orient="records", date_format="iso")
    )[0]
    row["scheduled_departure"] = row["scheduled_departure"].rstrip("Z")
    seen: list[tuple[str, int]] = []
    score.ready().without_features = lambda name, number: seen.append((name, number))
    nowhere = score.run({"data": [{**row, "origin": "XXX", "scheduled_departure": "2031-01-01T00:00:00"}]})
    texts = [one["problem"] for one in nowhere.document["warnings"]]
    assert "feature table 'weather' has nothing for this row: its features are taken as missing" in texts
    assert seen == [("carrier-history", 1), ("weather", 1)]
    given = score.run({"data": [{**row, **dict.fromkeys(columns)}]})
    assert given.status == 200
    assert given.document["predictions"] != score.run({"data": [row]}).document["predictions"]
    zoned = score.run({"data": [{**row, "scheduled_departure": "2013-07-02T10:00:00Z"}]})
    assert zoned.status == 400
    assert (
        zoned.document["error"]["problems"][0]["problem"]
        == "has a zone, unlike the times of feature table 'carrier-history'"
    )


def test_a_batch_that_lacks_columns_says_where_they_come_from(flights: Trained, tmp_path: Path) -> None:
    rows, _ = looked_up(flights)
    tables.write_table(rows, tmp_path / "rows.parquet")
    done = child(
        "batch_score",
        "--model",
        flights.model,
        "--table",
        tmp_path / "rows.parquet",
        "--scores",
        tmp_path / "s",
    )
    assert done.returncode == 1
    assert (
        "which feature table 'carrier-history' gives: name the feature tables with --feature-tables"
        in done.stderr
    )


def test_the_model_says_which_rows_it_was_trained_with(flights: Trained) -> None:
    facts = step.read_json(flights.model / "model.json")
    folder = flights.model.parent / FEATURE_TABLES
    assert facts["feature_tables"]["time_column"] == "scheduled_departure"
    for one in facts["feature_tables"]["tables"]:
        assert one["digest"] == step.read_json(folder / one["name"] / "definition.json")["digest"]
    kinds = {name: column["kind"] for name, column in facts["lookup_schema"].items()}
    assert kinds == {"scheduled_departure": "time", "carrier": "text", "origin": "text"}
