"""The workspace as an MLflow server."""
