"""What each subcommand of `waybill-server` does; every import that costs time is inside."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

from waybill_server.cli import BAD_DATA, BAD_OPTIONS, NO_ISSUER, announce, end, raise_file_limit
from waybill_server.limits import Limits, Timing


def node(options: argparse.Namespace) -> int:
    """Runs a node until it is told to end."""
    import asyncio

    from waybill_server.jwk_set import IssuerFailed
    from waybill_server.node import Assemble, CannotListen, Ports, Settings, assemble, run_node
    from waybill_server.schema import DataRefused
    from waybill_server.tls import CannotUseCertificate

    if not options.issuer.startswith("https://"):
        end(BAD_OPTIONS, f"--issuer is {options.issuer!r}, expected an https URL")
    for path in (options.certificate, options.key, options.ca):
        _readable(path)
    settings = Settings(
        data=options.data,
        issuer=options.issuer,
        certificate=options.certificate,
        key=options.key,
        authority=options.ca,
        host=options.host,
        port=options.port,
        name=options.name,
        v1_port=options.v1_port,
        admin_port=options.admin_port,
        issuer_deadline=options.issuer_deadline,
        limits=Limits(**{each.name: getattr(options, f"max_{each.name}") for each in fields(Limits)}),
        timing=Timing(**{each.name: getattr(options, f"{each.name}_seconds") for each in fields(Timing)}),
    )

    put_together: Assemble = assemble
    if options.peer:
        from waybill_server.cluster.assembly import assemble_cluster
        from waybill_server.cluster.options import OptionsFaulty, cluster_of

        try:
            settings = replace(settings, cluster=cluster_of(options))
        except OptionsFaulty as faulty:
            end(BAD_OPTIONS, str(faulty))
        put_together = assemble_cluster

    def ready(ports: Ports) -> None:
        url = f"wss://{settings.host}:{ports.v2}/v2"
        named = {"v1_port": ports.v1, "admin_port": ports.admin, "peer_port": ports.peers}
        also = {name: port for name, port in named.items() if port is not None}
        announce(role="node", name=settings.name, host=settings.host, port=ports.v2, url=url, **also)

    if options.defect is not None:
        from waybill_server.defects import UnknownDefect, find

        try:
            defect = find(options.defect)
            if defect.regional != bool(options.peer):
                need = "needs --peer" if defect.regional else "is for a node without --peer"
                end(BAD_OPTIONS, f"defect {defect.name} {need}")
            put_together = defect.assemble
        except UnknownDefect as unknown:
            end(BAD_OPTIONS, str(unknown))
    raise_file_limit()
    try:
        asyncio.run(run_node(settings, ready, put_together))
    except DataRefused as refused:
        end(BAD_DATA, str(refused))
    except IssuerFailed as failed:
        end(NO_ISSUER, str(failed))
    except (CannotListen, CannotUseCertificate, OSError) as failed:
        end(BAD_OPTIONS, str(failed))
    return 0


def issuer(options: argparse.Namespace) -> int:
    """Runs the issuer until it is told to end."""
    from waybill_server.accounts import Accounts, AccountsFaulty
    from waybill_server.issuer import IssuerServer, TokenMaker
    from waybill_server.issuer_keys import IssuerKeys
    from waybill_server.issuer_store import IssuerDataRefused, IssuerStore
    from waybill_server.self_signed import make_self_signed
    from waybill_server.signing_key import KeyRefused
    from waybill_server.tls import CannotUseCertificate, tls_context

    if (options.certificate is None) != (options.key is None):
        end(BAD_OPTIONS, "--certificate and --key belong together")
    try:
        accounts = Accounts(options.accounts)
        keys = IssuerKeys(options.data, options.grace)
        store = IssuerStore(options.data)
        certificate, private = options.certificate, options.key
        if certificate is None:
            certificate, private = make_self_signed(options.data, options.host)
        server = IssuerServer((options.host, options.port), tls_context(certificate, private))
    except (KeyRefused, IssuerDataRefused) as refused:
        end(BAD_DATA, str(refused))
    except (AccountsFaulty, CannotUseCertificate) as faulty:
        end(BAD_OPTIONS, str(faulty))
    except OSError as error:
        end(BAD_OPTIONS, f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    port = server.server_address[1]
    name = (options.issuer_name or f"https://{options.host}:{port}").rstrip("/")
    maker = TokenMaker(name, lambda: keys.signing, accounts, options.lifetime, options.odd_tokens, store)
    server.use(maker, keys)
    raise_file_limit()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    announce(role="issuer", port=port, issuer=name, certificate=str(certificate))
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    store.close()
    return 0


def defects(options: argparse.Namespace) -> int:
    """Lists the seeded defects."""
    from waybill_server.defects import every
    from waybill_server.defects.table import markdown

    if options.markdown:
        sys.stdout.write(markdown(every()))
        return 0
    for defect in every():
        sys.stdout.write(f"{defect.name:<32} {', '.join(defect.noticed):<14} {defect.breaks}\n")
    return 0


def version(options: argparse.Namespace) -> int:
    """Prints the versions."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    from waybill_server.frames import WIRE_VERSIONS

    try:
        text = installed("robotframework-waybill")
    except PackageNotFoundError:
        text = "(not installed)"
    sys.stdout.write(f"waybill-server {text}, wire versions {', '.join(map(str, WIRE_VERSIONS))}\n")
    return 0


def _readable(path: Path | None) -> None:
    if path is not None:
        try:
            path.open("rb").close()
        except OSError as error:
            end(BAD_OPTIONS, f"cannot read {path}: {error.strerror}")


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "node": node,
    "issuer": issuer,
    "defects": defects,
    "version": version,
}
