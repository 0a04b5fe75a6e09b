"""A server of a few lines for tests of launching: it answers on its port, keeps a file, and can misbehave."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path


def main() -> None:
    port, data, behaviour = int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
    if "fails" in behaviour:
        sys.exit("the configuration is wrong: no such option")
    if "ignores-sigterm" in behaviour:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "leaves-a-child" in behaviour:
        left = subprocess.Popen(
            [sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True
        )
        (data / "child").write_text(str(left.pid))
    if "silent" in behaviour:
        signal.pause()
    server = socket.create_server((sys.argv[1], port))
    with (data / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    sys.stdout.write("starting up\n")
    sys.stdout.flush()
    if "never-ready" not in behaviour:
        sys.stdout.write(json.dumps({"ready": True, "port": port}) + "\n")
        sys.stdout.flush()
    while True:
        connection, _ = server.accept()
        with connection:
            connection.sendall((data / "starts").read_bytes())


main()
