"""What every layer stands on: folders, files, locks, errors, child processes, secrets, nearest names."""
