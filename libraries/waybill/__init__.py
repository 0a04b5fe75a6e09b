"""Waybill: every message accounted for. The kit; it imports neither Robot Framework nor any server."""
