"""Faults by a tracer, for programs that the interposed library cannot enter."""
