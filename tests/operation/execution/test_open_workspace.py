"""What the SDK says to nobody is left out, and nothing else."""

from __future__ import annotations

import logging

import pytest

from operation.execution.open_workspace import quieten


def test_what_is_known_to_say_nothing_is_left_out_however_often_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AZUREML_LOG_DEPRECATION_WARNING_ENABLED", "False")
    quieten()
    quieten()
    logging.warning("If 'script' has been provided here and a script file name")
    logging.getLogger("azureml.core.model").warning("Warning, azureml-defaults not detected in %s", "x")
    logging.getLogger("azureml.core.model").warning("the model is unpickled without a check")
    logging.warning("the disk is full")
    assert caplog.messages == ["the model is unpickled without a check", "the disk is full"]
    assert len(logging.getLogger("azureml.core.model").filters) == 1
