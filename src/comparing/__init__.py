"""DELIVERED: which of two models is better, and how surely: sequential tests, sample ratio, losses."""
