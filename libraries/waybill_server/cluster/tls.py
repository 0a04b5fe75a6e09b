"""TLS between nodes: both sides show a certificate of the cluster's authority, with the node's name in it."""

from __future__ import annotations

import ssl

from waybill_server.cluster.settings import Cluster
from waybill_server.tls import CannotUseCertificate


class PeerTls:
    """The contexts of one node, and whose certificate it was.

    Args:
        cluster: The node's files.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def server(self) -> ssl.SSLContext:
        """For peers that connect.

        Raises:
            CannotUseCertificate: A file cannot be used.
        """
        context = self._context(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self) -> ssl.SSLContext:
        """For connecting to a peer, which must have the name that it is called by.

        Raises:
            CannotUseCertificate: A file cannot be used.
        """
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    def vouches(self, secured: ssl.SSLObject, name: str) -> bool:
        """Whether the certificate that a peer showed is that of the node of this name."""
        names = (secured.getpeercert() or {}).get("subjectAltName", ())
        return ("DNS", name) in names

    def _context(self, protocol: int) -> ssl.SSLContext:
        cluster = self._cluster
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(cluster.authority)
            context.load_cert_chain(cluster.certificate, cluster.key)
        except (OSError, ssl.SSLError) as error:
            raise CannotUseCertificate(
                f"cluster certificate {cluster.certificate} with key {cluster.key} and authority "
                f"{cluster.authority} cannot be used: {error}"
            ) from None
        return context
