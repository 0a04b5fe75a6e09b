"""What can be wrong with the header, the lengths and the properties of MQTT's control packets, as bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from waybill.drivers.frame_table import Expected, Framed

LARGEST: Final = 268_435_455
"""The largest remaining length."""
_FLAGS: Final = {1: 0, 2: 0, 4: 0, 5: 0, 6: 2, 7: 0, 8: 2, 9: 0, 10: 2, 11: 0, 12: 0, 13: 0, 14: 0, 15: 0}
"""The only legal flags of each type but PUBLISH."""


def variable(number: int) -> bytes:
    """A variable byte integer."""
    data = bytearray()
    while True:
        number, low = divmod(number, 128)
        data.append(low | (0x80 if number else 0))
        if not number:
            return bytes(data)


def string(value: bytes) -> bytes:
    """A string behind its length."""
    return struct.pack(">H", len(value)) + value


def packet(first: int, rest: bytes) -> bytes:
    """A control packet."""
    return bytes((first,)) + variable(len(rest)) + rest


def framed(topic: bytes, version: int) -> list[Framed]:
    """Everything that can be wrong around the fields of packets."""
    none = b"\0" if version == 5 else b""
    made = [*_headers(), *_lengths(topic, none), *_contents(topic, none)]
    return [*made, *_properties(topic)] if version == 5 else made


def _headers() -> Iterator[Framed]:
    body = {4: b"\0\1", 5: b"\0\1", 6: b"\0\1", 7: b"\0\1", 12: b"", 14: b""}
    for kind, legal in _FLAGS.items():
        for flags in range(16):
            if flags != legal:
                wire = packet(kind << 4 | flags, body.get(kind, b"\0\1\0\0\1a\0"))
                yield Framed(f"packet type {kind} with flags {flags:04b}", wire)
    for flags in range(16):
        yield Framed(f"packet type 0 with flags {flags:04b}", packet(flags, b"\0\1\0"))


def _lengths(topic: bytes, none: bytes) -> Iterator[Framed]:
    yield Framed("a remaining length of five bytes", b"\x32\x80\x80\x80\x80\x01" + b"\0" * 16)
    yield Framed("a remaining length without an end", b"\x32\xff\xff\xff\xff\xff\xff")
    for size in (65_536, 2**20, LARGEST):
        yield Framed(f"a declared length of {size}", b"\x32" + variable(size) + string(topic), ends=True)
    yield Framed("a remaining length in more bytes than it needs", b"\xc0\x80\x00", Expected.EITHER)
    for number in (0xC0, 0xE0, 0x40, 0x62):
        yield Framed(f"{number:02X} with a body of 40 bytes", packet(number, b"\0\1" + b"\xff" * 38))
    for number in (0x32, 0x40, 0x62, 0x82, 0xA2):
        yield Framed(f"{number:02X} with nothing in it", packet(number, b""))
        yield Framed(f"{number:02X} with one byte in it", packet(number, b"\0"))
    publish = packet(0x32, string(topic) + b"\0\1" + none + b"hello")
    yield Framed("a publish that says to be shorter than its topic", b"\x32\x04" + publish[2:], ends=True)


def _contents(topic: bytes, none: bytes) -> Iterator[Framed]:
    rest = b"\0\1" + none + b"x"
    for flags in (6, 7, 14, 15):
        yield Framed(f"a publish with QoS 3, flags {flags:04b}", packet(0x30 | flags, string(topic) + rest))
    for name, wrong in {
        "'#'": b"waybill/#",
        "'+'": b"waybill/+/x",
        "NUL": b"way\0bill",
        "no letters": b"",
        "half a surrogate pair": b"\xed\xa0\x80",
        "0xFF": b"\xff\xfe",
    }.items():
        yield Framed(f"a topic with {name}", packet(0x32, string(wrong) + rest))
    for name, wrong in {
        "'#' in the middle": b"a/#/b",
        "'#' behind a letter": b"a#",
        "'+' beside a letter": b"a+/b",
        "no letters": b"",
        "a shared name with '/'": b"$share//x",
        "a shared name with '+'": b"$share/a+/x",
        "NUL": b"a\0b",
    }.items():
        expected = Expected.EITHER if "shared" in name else Expected.REJECTED
        yield Framed(f"a filter with {name}", packet(0x82, b"\0\1" + none + string(wrong) + b"\1"), expected)
    for options in (0x03, 0x30 | 1, 0x40 | 1, 0x80 | 1, 0xFF):
        yield Framed(
            f"subscription options {options:02X}",
            packet(0x82, b"\0\1" + none + string(topic) + bytes((options,))),
        )
    yield Framed("a subscription to nothing", packet(0x82, b"\0\1" + none))
    yield Framed("the end of no subscription", packet(0xA2, b"\0\1" + none))
    for name, wire in {
        "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "JSON": b'{"type": "send"}',
        "XML": b"<?xml version='1.0'?><stream/>",
        "TLS within TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "NUL for 64 KiB": b"\0" * 65_536,
        "0xFF for 64 KiB": b"\xff" * 65_536,
    }.items():
        yield Framed(name, wire, ends=True)


def _properties(topic: bytes) -> Iterator[Framed]:
    def publish(properties: bytes, length: int | None = None) -> bytes:
        told = variable(len(properties) if length is None else length)
        return packet(0x32, string(topic) + b"\0\1" + told + properties + b"x")

    yield Framed("the property 00", publish(b"\0\1"))
    yield Framed("the property 7F", publish(b"\x7f\1"))
    yield Framed("a property of another packet", publish(b"\x11\0\0\0\1"))
    yield Framed("properties longer than the packet", publish(b"\x01\1", 10_000))
    yield Framed("properties cut off", publish(b"\x26\0\5ab"))
    yield Framed("the format of the body twice", publish(b"\x01\1\x01\1"))
    yield Framed("a format of the body that there is not", publish(b"\x01\2"), Expected.EITHER)
    yield Framed("the topic alias 0", publish(b"\x23\0\0"))
    yield Framed("the topic alias 65535", publish(b"\x23\xff\xff"))
    yield Framed("a response topic with '#'", publish(b"\x08" + string(b"a/#")))
    yield Framed(
        "a user property that is no UTF-8", publish(b"\x26" + string(b"\xed\xa0\x80") + string(b"v"))
    )
    yield Framed("a subscription id from a client", publish(b"\x0b\1"), Expected.EITHER)
