"""Clients and servers of different versions, put together."""
