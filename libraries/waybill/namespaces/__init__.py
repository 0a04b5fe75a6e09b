"""Namespaces of Linux, in which a server meets a disk that other processes do not have, without root."""
