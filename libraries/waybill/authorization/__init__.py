"""Who may do what: the role table (resources/authorization.toml), and trying all of it on a server."""
