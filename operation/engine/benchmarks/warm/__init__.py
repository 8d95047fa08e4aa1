"""Programs that render a notebook many times in one process and print the median in seconds."""
