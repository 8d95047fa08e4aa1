"""What leaves the project: a served model, an image; and the use case that a new project starts with."""
