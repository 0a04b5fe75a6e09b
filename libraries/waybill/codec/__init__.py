"""The codec of a server, seen from outside: what is said comes back, and what is not whole is waited for."""
