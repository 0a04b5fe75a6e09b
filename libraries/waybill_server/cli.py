"""The command `waybill-server`."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from waybill_server.limits import Limits, Timing
from waybill_server.releases import NEWEST, RELEASES
from waybill_server.tables import TABLES

EXAMPLES = """examples:
  waybill-server issuer --data issuer --accounts accounts.jsonl --certificate issuer.pem --key issuer.key
  waybill-server node --data node --issuer https://127.0.0.1:41001 --ca ca.pem --certificate node.pem --key node.key
  waybill-server migrate --data node --to 1
  waybill-server version

exit codes:
  0  ended as asked (SIGTERM drains)      3  the data directory is in use, damaged or of another schema
  1  a fault of the server itself         4  the issuer gave no keys within the deadline
  2  bad options, files or address        5  a migration was rolled back
"""

NODE_HELP = "runs a node: serves devices over wire v2, stores in its data directory"
ISSUER_HELP = "runs the issuer: gives access tokens to accounts, publishes its public key"
MIGRATE_HELP = (
    "changes the schema of a node's database, while no node runs on it, and prints what it did as JSON"
)

BAD_OPTIONS, BAD_DATA, NO_ISSUER, NOT_MIGRATED = 2, 3, 4, 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(import_module("waybill_server.commands").COMMANDS[options.command](options))
    except KeyboardInterrupt:
        return 0


def end(code: int, text: str) -> NoReturn:
    """Ends the process with a message for people."""
    sys.stderr.write(f"waybill-server: {text}\n")
    sys.exit(code)


def announce(**line: object) -> None:
    """Prints the ready line."""
    print(json.dumps({"ready": True, **line, "pid": os.getpid()}), flush=True)


def raise_file_limit() -> None:
    """Allows as many open files, so connections, as the machine lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="waybill-server",
        description="The reference messaging server: a node, and the issuer of its tokens.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="node|issuer|migrate|defects|stand-ins|version"
    )
    _node_options(commands.add_parser("node", help=NODE_HELP, description=NODE_HELP))
    _issuer_options(commands.add_parser("issuer", help=ISSUER_HELP, description=ISSUER_HELP))
    _migrate_options(commands.add_parser("migrate", help=MIGRATE_HELP, description=MIGRATE_HELP))
    text = "lists the seeded defects that a node can be run with, and what they break"
    defects = commands.add_parser("defects", help=text, description=text)
    defects.add_argument("--markdown", action="store_true", help="as the table of docs/defects.md")
    defects.add_argument(
        "--rare",
        action="store_true",
        help="their rare forms; with --markdown also why others have none",
    )
    defects.add_argument("--json", action="store_true", help="for programs, the stand-ins included")
    defects.add_argument(
        "--with-peers",
        action="store_true",
        help="with --json: those of a node with peers, instead of one without",
    )
    text = "lists the dishonest servers that can take a node's place"
    stand_ins = commands.add_parser("stand-ins", help=text, description=text)
    stand_ins.add_argument("--markdown", action="store_true", help="as the table of docs/defects.md")
    commands.add_parser("version", help="prints the version and the wire versions")
    return parser


def _node_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the data directory; made if missing"
    )
    parser.add_argument(
        "--issuer", required=True, metavar="URL", help="the issuer's identifier, an https URL"
    )
    parser.add_argument(
        "--certificate", type=Path, required=True, metavar="FILE", help="the node's certificate (PEM)"
    )
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="its private key (PEM)")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the authority to trust for the issuer (PEM)")
    _address(parser)
    parser.add_argument(
        "--v1-port",
        type=_v1_port,
        metavar="N",
        help="serves wire v1 too (docs/wire-v1.md): TCP on this port, WebSocket on the next; 0 lets the kernel choose",
    )
    parser.add_argument(
        "--admin-port",
        type=_port,
        metavar="N",
        help="serves the interface of administration (HTTPS) on this port; 0 lets the kernel choose",
    )
    parser.add_argument(
        "--name", default="node", help="the node's name in its ready line and among its peers (default: node)"
    )
    parser.add_argument(
        "--issuer-deadline",
        type=_seconds,
        default=10.0,
        metavar="S",
        help="wait for the issuer at start (default: 10)",
    )
    parser.add_argument(
        "--defect",
        metavar="NAME",
        help="for the tests of the tests: runs with this seeded defect (`waybill-server defects` lists them)",
    )
    parser.add_argument(
        "--release",
        type=int,
        choices=sorted(RELEASES),
        default=NEWEST.number,
        help="runs as this release of the server, for tests of upgrades (default: the newest)",
    )
    parser.add_argument(
        "--no-migrate",
        dest="migrate",
        action="store_false",
        help="refuses a database of an older schema instead of bringing it forward",
    )
    parser.add_argument(
        "--stand-in",
        metavar="NAME",
        help="for the tests of the tests: runs this dishonest server instead (`waybill-server stand-ins` lists them)",
    )
    cluster = parser.add_argument_group("other nodes (see docs/reference-server.md)")
    cluster.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=HOST:PORT",
        help="another node, and where to reach it; once for each. --name is this node's name among them",
    )
    cluster.add_argument("--peer-port", type=_port, default=0, metavar="N", help="where to listen for them")
    cluster.add_argument("--cluster-ca", type=Path, metavar="FILE", help="the authority of all nodes (PEM)")
    cluster.add_argument(
        "--cluster-certificate",
        type=Path,
        metavar="FILE",
        help="what this node shows them, with its name as a DNS name (PEM)",
    )
    cluster.add_argument("--cluster-key", type=Path, metavar="FILE", help="its private key (PEM)")
    bounds = parser.add_argument_group("bounds (see docs/wire-v2.md)")
    for bound in fields(Limits):
        bounds.add_argument(
            f"--max-{bound.name}",
            type=_positive,
            default=bound.default,
            metavar="N",
            help=f"limit `{bound.name}` (default: {bound.default})",
        )
    for timing in fields(Timing):
        bounds.add_argument(
            f"--{timing.name.replace('_', '-')}-seconds",
            type=_seconds,
            default=timing.default,
            metavar="S",
            help=f"default: {timing.default:g}",
        )


def _migrate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data directory")
    parser.add_argument(
        "--to", type=int, required=True, choices=sorted(TABLES), help="the schema that it is to have"
    )
    parser.add_argument("--defect", metavar="NAME", help="for the tests of the tests, as for a node")


def _issuer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="keeps the keys and the grants; made if missing",
    )
    parser.add_argument(
        "--accounts", type=Path, required=True, metavar="FILE", help="the accounts, JSON lines"
    )
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="the certificate (PEM); without one, a self-signed one is made",
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="its private key (PEM)")
    _address(parser)
    parser.add_argument(
        "--issuer-name", metavar="URL", help="the identifier in tokens (default: https://HOST:PORT as bound)"
    )
    parser.add_argument(
        "--lifetime",
        type=_positive,
        default=3600,
        metavar="S",
        help="seconds that a token is valid (default: 3600)",
    )
    parser.add_argument(
        "--grace",
        type=_not_negative,
        default=60.0,
        metavar="S",
        help="seconds that a retired key still counts (default: 60)",
    )
    parser.add_argument(
        "--odd-tokens",
        action="store_true",
        help="for tests: signs tokens with odd claims for whoever asks (see docs/reference-server.md)",
    )


def _address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, help="the port (default: 0, chosen by the kernel)")


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 2**31:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 2147483648")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port (0 to 65535)")
    return value


def _v1_port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65534:
        raise argparse.ArgumentTypeError(f"{text} is no port with another one after it (0 to 65534)")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 86400 seconds")
    return value


def _not_negative(text: str) -> float:
    return 0.0 if float(text) == 0 else _seconds(text)


if __name__ == "__main__":
    sys.exit(main())
