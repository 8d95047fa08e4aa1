"""When a new model is due, what became of it, and a year of such decisions played again."""
