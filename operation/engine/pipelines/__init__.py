"""CI and CD: pipelines as both systems read them, planned, checked and executed on this machine."""
