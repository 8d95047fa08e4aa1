"""DELIVERED: online scoring: requests, answers, the scored log, and which of two models answers."""
