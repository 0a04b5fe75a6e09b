"""Readiness: what has to be proven, what was proven, and what follows from it.

Everything here reads and writes files of a run folder: `run.json` (how the run was started),
`cases/*/case.json` (one per scenario) and Robot's `output.xml`. No live object, no Robot import.
"""
