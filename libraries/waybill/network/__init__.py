"""Links that can be disturbed: proxies between clients and nodes, and between nodes."""
