"""Steps of a use case: executed or reused, in a notebook or as a child process, with their history."""
