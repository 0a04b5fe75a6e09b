"""What can be wrong with the WebSocket frames around a message (RFC 6455), as bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from websocket import ABNF

from waybill.drivers.frame_table import Expected, Framed

MASK: Final = b"\x37\xfa\x21\x3d"
_TEXT, _BINARY, _CONTINUED, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA


def frame(
    payload: bytes,
    opcode: int = _TEXT,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    wide: int = 0,
) -> bytes:
    """A WebSocket frame.

    Args:
        payload: What it carries.
        opcode: Its opcode.
        fin: It is the last one of its message.
        reserved: The three reserved bits.
        masked: A client's frames must be.
        wide: The least bytes of the length: 0 for the shortest form, else 2 or 8.
    """
    length = len(payload)
    first = bytes((fin << 7 | reserved << 4 | opcode,))
    bit = masked << 7
    if length > 65535 or wide == 8:
        size = bytes((bit | 127,)) + struct.pack(">Q", length)
    elif length > 125 or wide == 2:
        size = bytes((bit | 126,)) + struct.pack(">H", length)
    else:
        size = bytes((bit | length,))
    if not masked:
        return first + size + payload
    return first + size + MASK + ABNF.mask(MASK, payload)


def framed(message: bytes, largest: int) -> list[Framed]:
    """Everything that can be wrong around a legal message, and what only looks wrong."""
    return [
        *_headers(message),
        *_lengths(message, largest),
        *_fragments(message),
        *_closes(),
        *_texts(message),
    ]


def _headers(message: bytes) -> Iterator[Framed]:
    for reserved in range(1, 8):
        for opcode in (_TEXT, _CONTINUED, _CLOSE, _PING, _PONG):
            yield Framed(
                f"reserved bits {reserved:03b}, opcode {opcode:X}",
                frame(message[:20], opcode, reserved=reserved),
            )
    for opcode in (*range(0x3, 0x8), *range(0xB, 0x10)):
        yield Framed(f"the unknown opcode {opcode:X}", frame(message, opcode))
    for opcode in (_TEXT, _BINARY, _CLOSE, _PING, _PONG):
        yield Framed(f"not masked, opcode {opcode:X}", frame(message[:20], opcode, masked=False))
    yield Framed("a binary message", frame(message, _BINARY))


def _lengths(message: bytes, largest: int) -> Iterator[Framed]:
    for length in (largest + 1, 2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1):
        header = b"\x81\xff" + struct.pack(">Q", length) + MASK
        yield Framed(f"a declared length of {length}", header + message)
    yield Framed(
        "a length in more bytes than it needs (2)", frame(b"still there?", _PING, wide=2), Expected.EITHER
    )
    yield Framed("a length in more bytes than it needs (8)", frame(b"here", _PONG, wide=8), Expected.EITHER)
    for opcode in (_CLOSE, _PING, _PONG):
        yield Framed(
            f"a control frame of 126 bytes, opcode {opcode:X}", frame(b"\x03\xe8" + b"x" * 124, opcode)
        )
    for cut in range(1, 14):
        yield Framed(f"the end after {cut} bytes", frame(message, wide=8)[:cut], ends=True)


def _fragments(message: bytes) -> Iterator[Framed]:
    begun = frame(message[:10], fin=False)
    for opcode in (_CLOSE, _PING, _PONG):
        yield Framed(f"a control frame in fragments, opcode {opcode:X}", frame(b"", opcode, fin=False))
    yield Framed("a continuation of nothing", frame(message, _CONTINUED))
    yield Framed("a continuation of nothing that goes on", frame(message, _CONTINUED, fin=False))
    yield Framed("a message within another one", begun + frame(message))
    yield Framed("a binary message within a text", begun + frame(message, _BINARY))
    yield Framed(
        "a text in a continuation of a binary message", frame(b"x", _BINARY, fin=False) + frame(message)
    )
    yield Framed("a message that never ends", begun + frame(b"", _CONTINUED, fin=False) * 200, ends=True)
    legal = begun + frame(message[10:], _CONTINUED)
    yield Framed("two fragments", legal, Expected.TAKEN)
    yield Framed(
        "a ping between two fragments",
        begun + frame(b"still there?", _PING) + frame(message[10:], _CONTINUED),
        Expected.TAKEN,
    )
    single = b"".join(frame(message[n : n + 1], _CONTINUED, fin=False) for n in range(1, len(message)))
    yield Framed(
        "a fragment for each byte",
        frame(message[:1], fin=False) + single + frame(b"", _CONTINUED),
        Expected.TAKEN,
    )


def _closes() -> Iterator[Framed]:
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 65535):
        yield Framed(f"a close with code {code}", frame(struct.pack(">H", code), _CLOSE))
    yield Framed("a close with one byte", frame(b"\x03", _CLOSE))
    yield Framed("a close whose reason is no text", frame(b"\x03\xe8\xff\xfe\xed\xa0\x80", _CLOSE))
    yield Framed("a close without a code", frame(b"", _CLOSE))
    yield Framed("two closes", frame(b"\x03\xe8", _CLOSE) * 2)
    yield Framed("a message after a close", frame(b"\x03\xe8", _CLOSE) + frame(b'{"type": "bye"}'))


def _texts(message: bytes) -> Iterator[Framed]:
    for name, text in {
        "an empty message": b"",
        "a space": b" ",
        "null": b"null",
        "a number": b"17",
        "a text": b'"text"',
        "a list": b"[]",
        "a list of frames": b"[" + message + b"]",
        "an empty object": b"{}",
        "two objects": message + message,
        "an object and a rest": message + b"x",
        "a byte order mark first": b"\xef\xbb\xbf" + message,
        "UTF-16": message.decode().encode("utf-16"),
        "UTF-16 without a mark": message.decode().encode("utf-16-le"),
        "UTF-32": message.decode().encode("utf-32"),
        "single quotes": message.replace(b'"', b"'"),
        "a comment": b"/* */" + message,
        "a comma too many": message[:-1] + b",}",
        "no quotes": b"{type: presence}",
        "XML": b"<?xml version='1.0'?><presence/>",
        "HTTP": b"GET / HTTP/1.1\r\n\r\n",
        "NUL": b"\0" * 20,
        "NUL after the object": message + b"\0",
        "0xFF": b"\xff" * 20,
        "a type that is a number": b'{"type": 2}',
        "a type that is null": b'{"type": null}',
        "a type that is a list": b'{"type": []}',
        "an unknown type": b'{"type": "exec"}',
        "an unknown type with a reference": b'{"type": "exec", "ref": 7}',
        "a type in capitals": b'{"type": "PRESENCE", "ref": 7, "user": "u"}',
        "a prototype": b'{"__proto__": {"type": "presence"}}',
        "a class": b'{"py/object": "os.system", "type": "__class__"}',
    }.items():
        yield Framed(name, frame(text))
