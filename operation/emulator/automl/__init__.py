"""AutoML submissions, searched for real."""
