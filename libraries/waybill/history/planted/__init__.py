"""Histories whose verdict is known beforehand: planted anomalies, near misses, and legal traffic of all kinds."""
