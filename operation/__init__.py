"""The workbench: commands, engine, ops scripts."""
