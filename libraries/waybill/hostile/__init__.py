"""Hostile input: made from a driver's table of frames, said on raw connections, judged by what became of it."""
