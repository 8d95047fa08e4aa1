"""Requests, answers, the log of scored rows, and which of two models answers."""
