"""What all processes have counted, as Prometheus reads it: a process that is gone still counts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from operation.engine.serving import metrics
from operation.engine.serving.counters import Counters, Models
from tests.operation.engine.serving.running import ROOT

FIRST: Mapping[str, str | None] = {"name": "flights", "version": "1", "digest": "a" * 64}
SECOND: Mapping[str, str | None] = {"name": None, "version": "b" * 12, "digest": "b" * 64}
COUNTING = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from operation.engine.serving.counters import Counters
own = Counters(Path(sys.argv[1]), {{"champion": {FIRST!r}}})
own.count(200, 0.002, 3)
own.count_variant("champion", 200, 0.001, 3, False)
import os, signal; os.kill(os.getpid(), signal.SIGTERM)
"""


def lines(folder: Path, models: Models) -> dict[str, str]:
    """Return the metrics, by name and labels."""
    said = metrics.text(folder, models).splitlines()
    return dict(line.rsplit(" ", 1) for line in said if not line.startswith("#"))


def test_what_a_process_has_counted_outlives_it(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", COUNTING, str(tmp_path)], check=False)
    models: Models = {"champion": FIRST, "challenger": SECOND}
    own = Counters(tmp_path, models)
    own.count(200, 0.02, 1)
    own.count(503, 20.0, lost=True)
    own.count(418, 0.02)
    own.count_variant("champion", 200, 0.02, 1, False)
    own.count_variant("shadow", 500, 0.02, 0, False)
    found = lines(tmp_path, models)
    assert found['score_requests_total{status="200"}'] == "2"
    assert found['score_requests_total{status="other"}'] == "1"
    assert found["score_rows_total"] == "4"
    assert found["score_log_failures_total"] == "1"
    assert found['score_seconds_bucket{le="0.0025"}'] == "1"
    assert found['score_seconds_bucket{le="10.0"}'] == "3"
    assert found['score_seconds_bucket{le="+Inf"}'] == found["score_seconds_count"] == "4"
    assert found["score_seconds_sum"] == "20.042"
    champion, shadow = (
        f'variant="{name}",model="{model["digest"]}"'
        for name, model in (("champion", FIRST), ("shadow", SECOND))
    )
    assert found[f'score_variant_requests_total{{{champion},status="200"}}'] == "2"
    assert found[f"score_variant_rows_total{{{champion}}}"] == "4"
    assert found[f'score_variant_seconds_bucket{{{champion},le="0.001"}}'] == "1"
    assert found[f'score_variant_requests_total{{{shadow},status="500"}}'] == "1"
    assert found['score_errors_total{kind="log"}'] == "1"
    assert found['score_errors_total{kind="challenger"}'] == "1"
    told = 'variant="challenger",name="",version="bbbbbbbbbbbb",digest="' + "b" * 64
    assert found[f'score_model_info{{{told}"}}'] == "1"


def test_a_model_that_is_replaced_keeps_its_counters(tmp_path: Path) -> None:
    before = Counters(tmp_path, {"champion": FIRST})
    before.count_variant("champion", 200, 0.02, 1, False)
    own = tmp_path / f"{os.getpid()}.counters"
    own.rename(tmp_path / "1.counters")
    after = Counters(tmp_path, {"champion": SECOND})
    after.count_variant("champion", 200, 0.02, 5, False)
    found = lines(tmp_path, {"champion": SECOND})
    for model, number in ((FIRST, "1"), (SECOND, "5")):
        assert found[f'score_variant_rows_total{{variant="champion",model="{model["digest"]}"}}'] == number
