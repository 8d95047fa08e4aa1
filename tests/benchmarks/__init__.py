"""What the workbench costs beside plain scripts and other tools: ``python -m tests.benchmarks --help``."""
