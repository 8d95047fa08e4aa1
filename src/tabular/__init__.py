"""Tables: columns and times, reading and writing, parts of large ones, data that is elsewhere."""
