"""Credentials: genuine ones from the issuer, false ones from the forge."""
