"""DELIVERED: tables: columns and times, reading and writing, parts of large ones, remote data."""
