"""A use case guessed from its data: what is predicted, from which columns, how rows are split."""
