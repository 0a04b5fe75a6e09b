"""The reference server: a small, honest messaging server to run acceptance tests against.

A *node* keeps users' logs and serves devices over wire v2 (docs/wire-v2.md); an *issuer* is a separate process that
signs access tokens. docs/reference-server.md describes both. Nothing here is imported by the kit.
"""
