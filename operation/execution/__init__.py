"""Ops Scripts: they send Core Scripts to Azure ML, and bring back what came of it."""
