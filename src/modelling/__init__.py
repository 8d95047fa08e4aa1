"""YOURS: what is learnt and how it is judged: features, targets, estimators, metrics, models."""
