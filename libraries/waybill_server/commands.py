"""What each subcommand of `waybill-server` does; every import that costs time is inside."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from waybill_server.cli import (
    BAD_DATA,
    BAD_OPTIONS,
    NO_ISSUER,
    NOT_MIGRATED,
    announce,
    end,
    raise_file_limit,
)
from waybill_server.limits import Limits, Timing
from waybill_server.releases import NEWEST, RELEASES

if TYPE_CHECKING:
    from waybill_server.schema import Migrated

if TYPE_CHECKING:
    from waybill_server.defects import Defect
    from waybill_server.node import Assemble


def node(options: argparse.Namespace) -> int:
    """Runs a node until it is told to end."""
    import asyncio

    from waybill_server.data_folder import DataRefused
    from waybill_server.jwk_set import IssuerFailed
    from waybill_server.node import CannotListen, Ports, Settings, assemble, run_node
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
        release=RELEASES[options.release],
        migrate=options.migrate,
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

    if options.defect is not None or options.stand_in is not None:
        put_together = _put_together_wrongly(options)
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


def _put_together_wrongly(options: argparse.Namespace) -> Assemble:
    """How a node with a seeded defect, or a stand-in of a node, is put together."""
    from waybill_server import defects, stand_ins

    if options.defect is not None and options.stand_in is not None:
        end(BAD_OPTIONS, "--defect and --stand-in exclude each other")
    try:
        chosen = stand_ins.find(options.stand_in) if options.defect is None else defects.find(options.defect)
    except defects.UnknownDefect as unknown:
        end(BAD_OPTIONS, str(unknown))
    if chosen.regional != bool(options.peer):
        need = "needs --peer" if chosen.regional else "is for a node without --peer"
        end(BAD_OPTIONS, f"defect {chosen.name} {need}")
    return chosen.assemble


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


def migrate(options: argparse.Namespace) -> int:
    """Changes the schema of a database."""
    import time

    from waybill_server.data_folder import DataRefused
    from waybill_server.migrations import MigrationFailed
    from waybill_server.schema import Migrated

    migrated = Migrated
    if options.defect is not None:
        migrated = _defective(options.defect)
    began = time.perf_counter()
    try:
        opening = migrated(options.data, options.to)
        opening.open().close()
    except DataRefused as refused:
        end(BAD_DATA, str(refused))
    except MigrationFailed as failed:
        end(NOT_MIGRATED, f"{options.data}: {failed}; nothing in it was changed by that step")
    opening.folder.close()
    done = {
        "from": opening.found,
        "to": options.to,
        "steps": [[step.start, step.end] for step in opening.way],
        "rows": opening.rows,
        "seconds": round(time.perf_counter() - began, 3),
    }
    sys.stdout.write(json.dumps(done) + "\n")
    return 0


def _defective(name: str) -> type[Migrated]:
    """How a defect of the schema migrates."""
    from waybill_server.defects import UnknownDefect, find
    from waybill_server.defects.counting import Every
    from waybill_server.schema import Migrated

    try:
        defect = find(name)
    except UnknownDefect as unknown:
        end(BAD_OPTIONS, str(unknown))
    Every.rarely = defect.rarely
    migration = getattr(defect.part, "migration", Migrated.migration)
    return type("Defective", (Migrated,), {"migration": migration})


def defects(options: argparse.Namespace) -> int:
    """Lists the seeded defects."""
    from waybill_server.defects import every, rare_forms
    from waybill_server.defects.table import plain, rare_markdown

    if options.json:
        from waybill_server import stand_ins

        alone = [defect for defect in every() if not defect.regional]
        listed = [
            *plain(alone, "defect"),
            *plain(rare_forms(), "rare"),
            *plain(stand_ins.every(), "stand-in"),
        ]
        if options.with_peers:
            listed = plain([defect for defect in every() if defect.regional], "defect")
        sys.stdout.write(f"{json.dumps(listed, indent=1)}\n")
        return 0
    if options.rare and options.markdown:
        sys.stdout.write(rare_markdown(every()))
        return 0
    return _listed(rare_forms() if options.rare else every(), options.markdown)


def stand_ins(options: argparse.Namespace) -> int:
    """Lists the stand-ins."""
    from waybill_server.stand_ins import every

    return _listed(every(), options.markdown)


def _listed(defects: Sequence[Defect], as_markdown: bool) -> int:
    from waybill_server.defects.table import markdown

    if as_markdown:
        sys.stdout.write(markdown(defects))
        return 0
    for defect in defects:
        sys.stdout.write(f"{defect.name:<32} {', '.join(defect.noticed):<14} {defect.breaks}\n")
    return 0


def version(options: argparse.Namespace) -> int:
    """Prints the versions."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        text = installed("robotframework-waybill")
    except PackageNotFoundError:
        text = "(not installed)"
    sys.stdout.write(f"waybill-server {text}, wire versions {', '.join(map(str, NEWEST.wire_versions))}\n")
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
    "migrate": migrate,
    "defects": defects,
    "stand-ins": stand_ins,
    "version": version,
}
