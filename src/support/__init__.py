"""What every Core Script shares; light to import, and no credentials."""
