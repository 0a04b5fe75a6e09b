"""What a holder asks of the kernel: namespaces of its own, mounts, and rights that its programs keep."""

from __future__ import annotations

import ctypes
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Final

READY_DEADLINE: Final = 30.0
"""Seconds within which a holder must be ready."""
END_DEADLINE: Final = 10.0
"""Seconds within which a holder that was told to end must have ended."""
NEW_MOUNTS: Final = 0x00020000
NEW_NETWORK: Final = 0x40000000
_NEW_USERS: Final = 0x10000000
_NET_ADMIN: Final = 12
_CAPABILITY_VERSION: Final = 0x20080522
_RAISE_AMBIENT: Final = (47, 2)
"""The option of prctl that keeps a capability for the programs that a process runs, and what it is to do."""

_library = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Rights(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("kept", ctypes.c_uint32))


def program(module: str, *arguments: str) -> list[str]:
    """The command that runs the `main` of a module of the kit with nothing else on Python's path."""
    source = f"import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; sys.exit(main(*sys.argv[2:]))"
    return [sys.executable, "-I", "-S", "-c", source, str(Path(__file__).parents[2]), *arguments]


def first_line(process: subprocess.Popen[str]) -> str:
    """What a holder says first, when it is ready or cannot be; why there is nothing, where it said nothing."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], READY_DEADLINE)[0]:
        return f"the process that holds it said nothing within {READY_DEADLINE:g} s"
    return process.stdout.readline().strip() or "no reason is known"


def wait_for_end(holder: subprocess.Popen[str]) -> None:
    """Returns when a holder has ended that was told to; one that does not is killed."""
    try:
        holder.wait(END_DEADLINE)
    except subprocess.TimeoutExpired:
        holder.kill()
        holder.wait()


def own_namespaces(kinds: int) -> None:
    """Gives this process, which must have one thread, namespaces of its own.

    Root gets just these. Everybody else, and a root that may not, gets a user namespace as well, in which a process has
    the user that it had, and no other.

    Raises:
        OSError: The kernel forbids it.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0 and _library.unshare(kinds) == 0:
        return
    check(_library.unshare(_NEW_USERS | kinds), "a user namespace (unshare)")
    # Without the right to change groups in the outer namespace, they have to be given up before one is mapped.
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def new_network() -> None:
    """Gives this thread a network of its own.

    Raises:
        OSError: The kernel forbids it.
    """
    check(_library.unshare(NEW_NETWORK), "a network of its own (unshare)")


def enter_network(opened: int) -> None:
    """Moves this thread into the network behind a descriptor."""
    check(_library.setns(opened, NEW_NETWORK), "the entry to a network (setns)")


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    """Mounts, as mount(2) does; empty texts are left out.

    Raises:
        OSError: The kernel forbids it.
    """
    texts = [text.encode() or None for text in (source, target, kind)]
    check(_library.mount(*texts, ctypes.c_ulong(flags), options.encode() or None), f"a mount on {target}")


def keep_network_rights() -> None:
    """Lets the programs that this process runs change networks, where this process may.

    Raises:
        OSError: It may not itself.
    """
    header, rights = _Header(_CAPABILITY_VERSION, 0), (_Rights * 2)()
    check(_library.capget(ctypes.byref(header), rights), "its own rights (capget)")
    rights[0].kept |= 1 << _NET_ADMIN
    check(_library.capset(ctypes.byref(header), rights), "rights for its programs (capset)")
    check(_library.prctl(*_RAISE_AMBIENT, _NET_ADMIN, 0, 0), "rights for its programs (prctl)")


def check(result: int, what: str) -> None:
    """Raises what the kernel said of a call that did not return 0.

    Raises:
        OSError: With what was wanted as its file.
    """
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def told(error: OSError) -> str:
    """An error in one line."""
    return f"{error.strerror}: {error.filename}" if error.filename else str(error)
