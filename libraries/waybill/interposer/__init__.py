"""Faults from inside a server's own process, by a library that stands between it and the C library."""
