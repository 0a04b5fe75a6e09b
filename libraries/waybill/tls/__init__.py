"""TLS for runs: throw-away certificate authorities."""
