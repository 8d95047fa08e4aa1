"""What all processes have counted, as Prometheus reads it: a process that is gone still counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.operation.engine.delivery.serving.running import ROOT

COUNTING = """
import json, os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from operation.engine.delivery.serving.metrics import Metrics

metrics = Metrics(Path("."))
scorers = {
    variant: SimpleNamespace(identity={"name": None, "version": "1", "digest": digest})
    for variant, digest in json.loads(sys.argv[1]).items()
}
metrics.observe(scorers)
for variant, *answer in json.loads(sys.argv[2]):
    if variant == "all":
        metrics.count(*answer[:3], lost=answer[3])
    elif variant == "without features":
        scorers["champion"].without_features(*answer)
    elif variant == "pooled":
        scorers["champion"].pooled(*answer)
    else:
        scorers["champion" if variant == "champion" else "challenger"].observed(variant, *answer)
sys.stdout.write(metrics.text().decode())
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGTERM)
"""


def counted(folder: Path, models: dict[str, str], *answers: list[Any]) -> dict[str, float]:
    """Return the metrics that a process tells which has counted these answers, and was killed."""
    (folder / "metrics").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, json.dumps(models), json.dumps(answers)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.rpartition(" ") for line in done.stdout.splitlines() if not line.startswith("#")]
    assert lines, done.stderr
    return {name: float(value) for name, _, value in lines}


def test_what_a_process_has_counted_outlives_it(tmp_path: Path) -> None:
    models = {"champion": "aaaa", "challenger": "bbbb"}
    counted(tmp_path, models, ["all", 200, 0.002, 3, False], ["champion", 200, 0.001, 3, False])
    found = counted(
        tmp_path,
        models,
        ["all", 200, 0.02, 1, False],
        ["all", 503, 20.0, 0, True],
        ["champion", 200, 0.02, 1, False],
        ["shadow", 500, 0.02, 0, False],
    )
    assert found['score_requests_total{status="200"}'] == 2
    assert found['score_requests_total{status="503"}'] == 1
    assert found['score_requests_total{status="500"}'] == 0
    assert found["score_rows_total"] == 4
    assert found["score_log_failures_total"] == 1
    assert found['score_seconds_bucket{le="0.0025"}'] == 1
    assert found['score_seconds_bucket{le="10.0"}'] == 2
    assert found['score_seconds_bucket{le="+Inf"}'] == found["score_seconds_count"] == 3
    assert found["score_seconds_sum"] == 20.022
    champion = 'model="aaaa",variant="champion"'
    assert found['score_variant_requests_total{model="aaaa",status="200",variant="champion"}'] == 2
    assert found[f"score_variant_rows_total{{{champion}}}"] == 4
    assert found[f'score_variant_seconds_bucket{{le="0.001",{champion}}}'] == 1
    assert found['score_variant_requests_total{model="bbbb",status="500",variant="shadow"}'] == 1
    assert found['score_errors_total{kind="log"}'] == found['score_errors_total{kind="challenger"}'] == 1
    assert found['score_model_info{digest="bbbb",name="",variant="challenger",version="1"}'] == 1


def test_a_model_that_is_replaced_keeps_its_counters(tmp_path: Path) -> None:
    counted(tmp_path, {"champion": "aaaa"}, ["champion", 200, 0.02, 1, False])
    found = counted(tmp_path, {"champion": "bbbb"}, ["champion", 200, 0.02, 5, False])
    for digest, number in (("aaaa", 1), ("bbbb", 5)):
        assert found[f'score_variant_rows_total{{model="{digest}",variant="champion"}}'] == number


def test_rows_that_a_feature_table_has_nothing_for_are_counted(tmp_path: Path) -> None:
    found = counted(tmp_path, {"champion": "aaaa"}, *[["without features", "weather", 2]] * 2)
    assert found['score_rows_without_features_total{feature_table="weather"}'] == 4


def test_rows_of_groups_without_a_model_of_their_own_are_counted(tmp_path: Path) -> None:
    assert (
        counted(tmp_path, {"champion": "aaaa"}, ["pooled", 3], ["pooled", 1])["score_rows_pooled_total"] == 4
    )
