"""Azure ML's own inference server: the stock one, with the same ``src/score.py``."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from operation.engine.delivery.serving.settings import ServedModel, Settings

# its host is a constant, every address: what has no keys must not be reached by others
LAUNCH = """
import sys
import azureml_inference_server_http.constants as constants
constants.DEFAULT_HOST = sys.argv.pop(1)
from azureml_inference_server_http import amlserver
amlserver.run()
"""


def command(script: Path, models: Path, host: str, port: int, workers: int = 1) -> list[str]:
    """Return what follows the interpreter to start it."""
    words = ["-c", LAUNCH, host, "--entry_script", str(script), "--model_dir", str(models)]
    return [*words, "--port", str(port), "--worker_count", str(workers)]


def serve_by_azure(settings: Settings, model: ServedModel) -> int:
    """Serve until a signal ends it; this process becomes the server where the system can do that."""
    script = settings.source / "score.py"
    words = command(script, model.folder, settings.host, settings.port, settings.workers)
    environment = {
        **os.environ,
        "AML_APP_ROOT": str(settings.source),
        "AML_APP_INSIGHTS_ENABLED": "false",
        "SCORE_ARGUMENTS": shlex.join([*model.arguments, *settings.arguments]),
    }
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *words], environment)  # noqa: S606 - no shell is wanted
    return subprocess.run([sys.executable, *words], env=environment, check=False).returncode
