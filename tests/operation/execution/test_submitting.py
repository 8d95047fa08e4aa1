"""Steps, graphs and models through the real SDK: what ``submitting.py`` found with the emulator."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from operation.engine.evidence.capsule.unpack import read_capsule
from operation.engine.foundation import manifest

HERE, ROOT = Path(__file__).parent, Path(__file__).resolve().parents[3]
SCHEMA = json.loads(Path(manifest.__file__).with_name("manifest_schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def found(run_with_emulator: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what became of each attempt in tests/operation/execution/submitting.py."""
    paths, root = [str(ROOT), str(ROOT / "src")], tmp_path_factory.mktemp("submitting") / "small"
    code = f"""import runpy, sys
sys.path[:0], sys.argv = {paths!r}, ['', {str(root)!r}]
runpy.run_path({str(HERE / "submitting.py")!r}, run_name='__main__')"""
    answer: dict[str, Any] = json.loads(run_with_emulator(code).splitlines()[-1])
    return answer


def steps(outcome: dict[str, Any]) -> dict[str, str]:
    return {one["step"]: one["how"] for one in outcome["record"]["steps"]}


def test_a_step_and_what_it_needs_are_executed_there_and_kept_here(found: dict[str, Any]) -> None:
    outcome = found["script"]
    assert outcome["code"] == 0
    assert steps(outcome) == {"count": "azure-ml", "gate": "azure-ml"}
    assert "  counted 4" in outcome["lines"]  # what the script printed
    assert outcome["record"]["metrics"] == {"count.letters": 4.0, "gate.passed": 4.0}


def test_the_manifest_names_the_run_of_azure_ml(found: dict[str, Any]) -> None:
    (count, _) = found["script"]["record"]["steps"]
    assert count["azure"]["workspace"] == "amlsmalldev"
    assert count["azure"]["target"] == "cpu-cluster"
    assert count["azure"]["run"].startswith("small_")
    assert count["argv"][1:] == ["--factor=1", "--skip", "x", "y", count["argv"][-1]]


def test_a_second_submission_is_answered_from_the_store(found: dict[str, Any]) -> None:
    assert steps(found["again"]) == {"count": "reused", "gate": "reused"}


def test_what_was_executed_there_and_never_collected_is_collected(found: dict[str, Any]) -> None:
    assert steps(found["collected"]) == {"count": "azure-ml", "gate": "azure-ml"}
    told = [line for line in found["collected"]["lines"] if line.endswith(", submitted before")]
    runs = [one["azure"]["run"] for one in found["script"]["record"]["steps"]]
    assert [line.split()[2] for line in told] == runs


def test_a_certificate_compares_a_run_of_azure_ml(found: dict[str, Any]) -> None:
    certificate = found["certificate"]
    assert certificate["identical"] is True
    assert list(certificate["ways"]) == ["script", "azure-ml"]
    assert [one["differences"] for one in certificate["steps"]] == [[], []]
    jsonschema.validate(certificate, SCHEMA)


def test_a_local_session_reuses_what_was_executed_there(found: dict[str, Any]) -> None:
    assert found["locally"] == {"count": "reused", "gate": "reused"}


@pytest.mark.parametrize("way", ["estimator", "local"])
def test_other_ways_give_the_same(found: dict[str, Any], way: str) -> None:
    assert found[way]["code"] == 0
    assert steps(found[way])["gate"] == "azure-ml"
    assert found[way]["record"]["steps"][-1]["key"] == found["script"]["record"]["steps"][-1]["key"]


def test_a_spark_submission_is_executed_or_looked_at(found: dict[str, Any]) -> None:
    outcome = found["spark"]
    assert outcome["code"] == 0
    assert outcome["capsule"] is None
    looked_at = (
        outcome["record"]
        .get("verified", "")
        .endswith("every field was checked; without Spark, nothing was executed")
    )
    assert looked_at or steps(outcome)["gate"] == "azure-ml"


def test_a_pipeline_is_published_and_scheduled(found: dict[str, Any]) -> None:
    assert found["pipeline"]["code"] == 0, found["pipeline"]["lines"]
    printed = json.loads("\n".join(found["pipeline"]["lines"][_start(found["pipeline"]["lines"]) :]))
    assert printed["published"]["endpoint"] == "letters"
    assert printed["published"]["schedule"] == "every day"
    assert printed["status"] == "succeeded"


def _start(lines: list[str]) -> int:
    return lines.index("{")


def test_an_unchanged_step_of_a_pipeline_is_reused_there(found: dict[str, Any]) -> None:
    lines = found["pipeline again"]["lines"]
    assert {"count: reused by Azure ML", "gate: reused by Azure ML"} <= set(lines)


def test_the_model_of_a_gate_that_passed_is_registered_once(found: dict[str, Any]) -> None:
    assert _model(found["script"]).endswith(": registered")
    assert _model(found["again"]).endswith(": registered before (same digest)")


def _model(outcome: dict[str, Any]) -> str:
    return next(str(line) for line in outcome["lines"] if line.startswith("model letters, version 1"))


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("bug", 1, "error: src/gate.py:22: KeyError: 'missing'"),
        ("data", 1, "error: the model has no letters: count again"),
        ("gate", 3, "error: the gate rejected the model: 5 letters against 6"),
        (
            "kill",
            1,
            "error: The user program was killed by SIGKILL, as happens when the machine runs out of memory.",
        ),
    ],
)
def test_a_failure_there_is_told_as_one_here(
    found: dict[str, Any], how: str, code: int, message: str
) -> None:
    assert found[how]["code"] == code
    assert found[how]["lines"][-1] == message


@pytest.mark.parametrize("how", ["bug", "data", "kill"])
def test_a_failure_there_leaves_a_capsule(found: dict[str, Any], how: str) -> None:
    capsule = read_capsule(Path(found[how]["capsule"]))
    assert capsule.notebook == "submit-gate"
    assert capsule.content["error"] == found[how]["record"]["error"]


def test_a_pipeline_that_fails_has_records_of_its_steps_and_a_capsule(found: dict[str, Any]) -> None:
    outcome = found["failed pipeline"]
    assert outcome["code"] == 1
    said = "error: src/gate.py:24: ModuleNotFoundError: No module named 'surely_not_installed'"
    assert outcome["lines"][-1] == said
    assert steps(outcome) == {"count": "reused", "gate": "failed"}
    capsule = read_capsule(Path(outcome["capsule"]))
    assert (capsule.notebook, capsule.content["error"]) == ("submit-pipeline", outcome["record"]["error"])


def test_the_log_s_tail_stands_in_the_error(found: dict[str, Any]) -> None:
    assert "KeyError: 'missing'" in found["bug"]["record"]["error"]["traceback"]
    assert "about to die" in found["kill"]["record"]["error"]["traceback"]


def test_every_submission_has_a_page_and_a_sound_manifest(found: dict[str, Any]) -> None:
    recorded = [one for one in found.values() if isinstance(one, dict) and one.get("record")]
    assert len(recorded) > 8
    for one in recorded:
        assert one["page"]
        jsonschema.validate(one["record"], SCHEMA)


def test_a_model_is_promoted_with_its_lineage(found: dict[str, Any]) -> None:
    assert found["promote"]["lines"][-1] == "TEST: version 1, promoted"
    (model,) = json_of(found["list"])
    assert model["tags"]["promoted_from"] == "amlsmalldev:1"
    assert model["digest"] == model["tags"]["digest"]
    assert set(model["tags"]) >= {"key", "manifest", "step", "data.text", "metric.passed", "use_case"}


def test_a_model_that_no_gate_accepted_in_an_environment_does_not_leave_it(found: dict[str, Any]) -> None:
    assert found["unjudged"]["code"] == 1
    assert found["unjudged"]["lines"][-1].endswith(
        " is not promoted from TEST to PROD: no gate accepted it in TEST: python3 -m operation models judge. "
        "Fix that, or say why not: --override REASON, which the ledger keeps"
    )


def test_one_digest_goes_through_three_workspaces_and_back(found: dict[str, Any]) -> None:
    names = ("judged", "prod", "second", "second in prod", "rollback", "champions", "ledger")
    assert [found[name]["code"] for name in names] == [0] * 7, [found[name]["lines"][-1] for name in names]
    assert found["prod"]["lines"][-1] == "PROD: version 1, promoted"
    assert found["second in prod"]["lines"][-1] == "PROD: version 2, promoted"
    serve = "python3 -m operation deploy --environment PROD --model letters:1"
    assert found["rollback"]["lines"][-1] == f"PROD: version 1 is the champion; serve it: {serve}"
    second, first = json_of(found["champions"])
    (promoted,) = json_of(found["list"])
    assert first["digest"] == promoted["digest"] != second["digest"]
    assert (first["tags"]["alias"], "alias" in second["tags"]) == ("champion", False)
    (entry,) = json_of(found["ledger"])
    assert (entry["environment"], entry["model"]) == ("PROD", "amlsmallprod/letters")
    assert (entry["event"], entry["version"], entry["model_digest"]) == ("rolled-back", "1", first["digest"])
    assert second["tags"]["ledger"] == f"{entry['number']}:{entry['digest']}"


def json_of(outcome: dict[str, Any]) -> Any:
    """Return the JSON that a command has printed, after what the SDK says."""
    lines = outcome["lines"]
    return json.loads("\n".join(lines[lines.index("[") :]))


def test_a_download_is_verified(found: dict[str, Any]) -> None:
    assert found["download"]["lines"][-1].endswith("small/downloaded, digest verified")


def test_a_job_has_the_packages_of_its_file_and_this_python_to_the_letter(found: dict[str, Any]) -> None:
    assert found["packages"]["name"] == "small"
    assert found["packages"]["dependencies"] == [f"python={platform.python_version()}"]
    assert found["packages"]["unknown"] == (
        "unknown environment of packages 'trainig': there is no configuration/environments/trainig.yml. "
        "Did you mean 'training'? Known: training."
    )


def test_what_is_meant_for_one_workspace_goes_to_no_other(found: dict[str, Any]) -> None:
    assert found["elsewhere"]["code"] == 2
    assert found["elsewhere"]["lines"][-1] == (
        "error: environment DEV has the workspace amlsmalldev, and the credentials lead to amlother. "
        "Remove or replace config.json, or set AMLWORKSPACE=amlother."
    )


def test_nobody_there_is_one_sentence(found: dict[str, Any]) -> None:
    outcome = found["unreachable"]
    assert outcome["code"] == 1
    assert outcome["lines"][-1] == (
        "error: credentials: ConnectionError: no connection to localhost:9. "
        "What was submitted keeps running; rerun this command to reattach."
    )
