"""The ports of processes, as the kernel knows them, and the ports of a target as places to be probed."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from waybill.targets import find_target, launch
from waybill.targets.listening import Listener, listeners
from waybill.targets.ports import open_ports
from waybill.tls.authority import Authority
from waybill.tls.campaign import Campaign

LISTENS = (
    "import socket, sys\n"
    "server = socket.create_server((sys.argv[1], 0))\n"
    "print(server.getsockname()[1], flush=True)\n"
    "sys.stdin.read()\n"
)


def test_a_listening_port_is_found_and_a_connected_one_is_none() -> None:
    with (
        contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server,
        contextlib.closing(socket.create_connection(server.getsockname())) as client,
    ):
        found = listeners([os.getpid()], "127.0.0.1")
        assert Listener("127.0.0.1", server.getsockname()[1]) in found
        assert Listener("127.0.0.1", client.getsockname()[1]) not in found


def test_what_listens_everywhere_is_reached_at_the_given_address() -> None:
    with (
        contextlib.closing(socket.create_server(("0.0.0.0", 0))) as server,
        contextlib.closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as six,
    ):
        found = listeners([os.getpid()], "127.1.2.3")
        assert Listener("127.1.2.3", server.getsockname()[1]) in found
        assert Listener("::1", six.getsockname()[1]) in found


def test_only_the_named_processes_count_and_one_that_is_gone_has_none() -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", LISTENS, "127.0.0.1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout is not None
        assert other.stdin is not None
        port = int(other.stdout.readline())
        assert listeners([other.pid], "127.0.0.1") == [Listener("127.0.0.1", port)]
        assert Listener("127.0.0.1", port) not in listeners([os.getpid()], "127.0.0.1")
        other.stdin.close()
    assert listeners([other.pid], "127.0.0.1") == []


def test_every_port_of_a_target_is_a_place_its_endpoints_first(tmp_path: Path) -> None:
    with launch(find_target("reference"), tmp_path) as running:
        ports = open_ports(running)
        first, *others = [(port.process, port.promised, port.speaks_tls) for port in ports]
        assert first == ("node", True, True)
        assert sorted(others) == [("issuer", False, True), ("node", False, True)]
        assert ports[0].endpoint == running.endpoint()
        for port in ports[1:]:
            # What would be a login at an endpoint is tried at every port of a node.
            assert (port.endpoint is None) == (port.process == "issuer")
        assert all(port.place.name == port.place.host for port in ports)


def test_a_listener_that_no_file_tells_of_is_found_in_a_child_of_the_process(tmp_path: Path) -> None:
    written = tmp_path / "target.toml"
    code = (
        "import json, socket, subprocess, sys\\n"
        "main = socket.create_server((sys.argv[1], int(sys.argv[2])))\\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[3], sys.argv[1]], stdin=subprocess.PIPE, "
        "stdout=subprocess.PIPE, start_new_session=True)\\n"
        "print(json.dumps({'ready': True, 'port': int(child.stdout.readline())}), flush=True)\\n"
        "while True: main.accept()[0].close()\\n"
    )
    listens = LISTENS.replace("\n", "\\n")
    written.write_text(f"""
name = "two-ports"
driver = "waybill"
[launch]
[[launch.process]]
name = "node"
ready = "json-line"
command = ["{{python}}", "-c", "{code}", "{{address}}", "{{port}}", "{listens}"]
[endpoints.node]
url = "wss://{{address}}:{{port}}/v2"
[users]
file = "users"
format = "plain"
[tokens]
method = "password"
""")
    with launch(find_target(str(written)), tmp_path / "run") as running:
        promised, extra = open_ports(running)
        assert promised.endpoint == running.endpoint()
        assert not extra.speaks_tls
        assert extra.endpoint is not None
        assert extra.endpoint.url == f"wss://{extra.place.host}:{extra.place.port}/v2"


def test_a_target_that_runs_already_has_its_endpoints_alone(tmp_path: Path) -> None:
    Authority(tmp_path)
    (tmp_path / "accounts").write_text("one:secret\n")
    (tmp_path / "target.toml").write_text("""
name = "elsewhere"
driver = "mqtt"
[endpoints.a]
url = "mqtts://127.0.0.1"
authority = "ca.pem"
server_name = "broker.example"
[users]
file = "accounts"
[tokens]
method = "password"
""")
    (port,) = open_ports(launch(find_target(str(tmp_path / "target.toml")), tmp_path / "run"))
    assert (port.place.host, port.place.port, port.place.name) == ("127.0.0.1", 8883, "broker.example")
    assert port.promised
    campaign = Campaign()
    campaign.speak_plaintext(port.place, speaks_tls=port.speaks_tls)
    assert campaign.decided == 0
