"""Wire v1 (docs/wire-v1.md): a second way into the node, for clients of the older protocol. Loaded with `--v1-port`."""
