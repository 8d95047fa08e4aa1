"""Profiles: small, the same after reading, and verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comparing import profiles
from tests.src.running import error_of

COLUMNS = [
    (("feature", "size", ""), np.append(np.linspace(0, 1, 300), np.nan)),
    (("feature", "colour", ""), np.repeat([0.0, 1, 2], [200, 90, 11])),
    (("feature", "empty", ""), np.full(301, np.nan)),
    (("output", "probability", "colour=red"), np.linspace(0, 1, 250)),
    (("output", "probability", "colour=blue"), np.linspace(0, 1, 51)),
]


@pytest.fixture
def facts(tmp_path: Path) -> dict[str, str]:
    profile = profiles.describe(COLUMNS, {("feature", "colour")}, 200)
    return {"profile": profiles.save(tmp_path, profile)}


def test_a_profile_is_read_as_it_was_written_without_small_slices(
    tmp_path: Path, facts: dict[str, str]
) -> None:
    profile = profiles.load(tmp_path, facts)
    assert list(profile) == [name for name, _ in COLUMNS[:4]]
    assert [sketch.kind for sketch in profile.values()] == ["number", "category", "number", "number"]
    size, _, empty, _ = profile.values()
    assert (size.rows, size.missing, len(size.values)) == (301, 1, 101)
    assert (empty.rows, empty.known, len(empty.values)) == (301, 0, 0)
    for name, values in COLUMNS[:2]:
        assert profile[name].effect(values, 0.05).size == pytest.approx(0, abs=1e-12)
    assert (tmp_path / profiles.PROFILE_FILE).stat().st_size < 12_000


def test_another_profile_is_refused(tmp_path: Path, facts: dict[str, str]) -> None:
    file = tmp_path / profiles.PROFILE_FILE
    file.write_bytes(file.read_bytes() + b" ")
    assert error_of(profiles.load, tmp_path, facts) == (
        f"{file} is not the profile that training wrote: retrain the model"
    )
    missing = (
        f"{tmp_path} holds no profile.parquet: retrain the model, save one in the step that wrote it "
        "(comparing.profiles), or give --training to compare its features with"
    )
    assert error_of(profiles.load, tmp_path, {}) == missing
    file.unlink()
    assert error_of(profiles.load, tmp_path, facts) == missing
