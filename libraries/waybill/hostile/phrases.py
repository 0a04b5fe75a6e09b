"""Text that is code, a place, a line or a trick somewhere else. `{m}` stands for the marker of the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from waybill.hostile.sorts import Sort

PHRASES: Final[Mapping[Sort, Mapping[str, str]]] = {
    Sort.CONTROL: {
        "NUL": "{m}\0x",
        "bell": "{m}\x07",
        "backspaces": "{m}\x08\x08\x08",
        "tab": "{m}\tx",
        "vertical tab": "{m}\x0bx",
        "form feed": "{m}\x0cx",
        "shift out": "{m}\x0ex",
        "escape": "{m}\x1b",
        "delete": "{m}\x7f",
        "next line": "{m}\u0085x",
        "control sequence of 8 bits": "{m}\u009b31m",
        "end of text": "{m}\x03\x04\x1a",
    },
    Sort.UNICODE: {
        "right to left override": "{m}\u202egnp.exe",
        "isolates": "{m}\u2066\u2067\u2069",
        "zero width": "{m}\u200b\u200c\u200d",
        "soft hyphen": "{m}\u00ad",
        "byte order mark": "\ufeff{m}",
        "two forms (NFC)": "{m}\u00e9",
        "two forms (NFD)": "{m}e\u0301",
        "full width": "{m}\uff41\uff44\uff4d\uff49\uff4e",
        "look-alikes": "{m}\u0430\u0435\u043e",
        "dotless i": "{m}\u0131\u0130",
        "line separator": "{m}\u2028x",
        "paragraph separator": "{m}\u2029x",
        "noncharacter": "{m}\ufdd0",
        "private use": "{m}\ue000",
        "tag characters": "{m}\U000e0041\U000e0042",
        "the last character": "{m}\U0010fffe",
        "combining marks": "{m}" + "e" + "\u0301" * 40,
        "family of emoji": "{m}\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "white space only": "\u2003\u3000\u00a0",
        "capital sharp s": "{m}\u1e9e\ufb01",
    },
    Sort.SQL: {
        "a quote": "{m}'",
        "two quotes": "{m}''",
        "a double quote": '{m}"',
        "always true": "{m}' OR '1'='1",
        "always true, in double quotes": '{m}" OR ""="',
        "always true, a number": "{m} OR 1=1",
        "a comment": "{m}'--",
        "a comment in stars": "{m}'/*",
        "a table dropped": "{m}'; DROP TABLE message; --",
        "rows deleted": "{m}'); DELETE FROM log; --",
        "a union": "{m}' UNION SELECT sql FROM sqlite_master --",
        "a concatenation": "{m}'||(SELECT 1)||'",
        "wildcards": "{m}%_%",
        "a backslash before the quote": "{m}\\' OR 1=1 --",
        "a wait": "{m}'; WAITFOR DELAY '0:0:5' --",
        "a database attached": "{m}'; ATTACH DATABASE '{m}.db' AS x; --",
        "a query of MongoDB": '{m}{"$ne": null}',
    },
    Sort.LOG: {
        "a line of its own": "x\n{m} everything is fine",
        "a line end of Windows": "x\r\n{m} everything is fine",
        "a carriage return": "x\r{m} everything is fine",
        "a line of JSON": 'x\n{"event": "{m}", "time": 1}',
        "the end of a line of JSON": 'x", "event": "{m}"}\n{"event": "{m}"',
        "a line of syslog": "x\n{m} <0>kernel: panic",
        "format of C": "{m}%s%s%s%n",
        "format of Python": "{m}{0.__class__}%(levelname)s",
        "format of Erlang": "{m}~p~n~s",
        "a look-up": "${jndi:ldap://127.0.0.1:9/{m}}",
        "a header": "x\r\nSet-Cookie: {m}=1",
    },
    Sort.PATH: {
        "up and up": "../../../../{m}",
        "up and up, of Windows": "..\\..\\..\\{m}",
        "up and up, encoded": "%2e%2e%2f%2e%2e%2f{m}",
        "up and up, encoded twice": "%252e%252e%252f{m}",
        "up and up, doubled": "....//....//{m}",
        "absolute": "/tmp/{m}",
        "home": "~/{m}",
        "cut by NUL": "../{m}\0.db",
        "up": "..",
        "here": ".",
        "a device": "/dev/stdout",
        "a device of Windows": "CON",
        "a share": "\\\\127.0.0.1\\{m}",
        "a file address": "file:///tmp/{m}",
        "a web address": "http://127.0.0.1:9/{m}",
        "a long path": "a/" * 2000 + "{m}",
        "a hidden file": "./.{m}",
    },
    Sort.COMMAND: {
        "a shell's substitution": "$(touch {m})",
        "a shell's substitution, older": "`touch {m}`",
        "a shell's next command": "x; touch {m}",
        "a shell's pipe": "x| touch {m}",
        "an option": "--help={m}",
        "a template": "{{7*7}}{m}",
        "a template of another sort": "${7*7}<%= 7*7 %>{m}",
        "a script": "<script>alert('{m}')</script>",
        "an entity": "&{m};<!ENTITY x SYSTEM 'file:///etc/passwd'>",
        "end of XML data": "]]>{m}<![CDATA[",
        "a colour": "x\x1b[31m{m}",
        "a cleared screen": "x\x1b[2J\x1b[H{m}",
        "a terminal's title": "x\x1b]0;{m}\x07",
        "a cell that is a formula": "=cmd|'/c calc'!{m}",
        "a filter of LDAP": "*)(uid={m}))(|(uid=*",
    },
}
"""Texts that are legal Unicode, by sort."""

BYTES: Final[Mapping[str, bytes]] = {
    "half a surrogate pair": b"\xed\xa0\x80",
    "the other half": b"\xed\xb0\x80",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "a slash in two bytes": b"\xc0\xaf",
    "a slash in three bytes": b"\xe0\x80\xaf",
    "NUL in two bytes": b"\xc0\x80",
    "a quote in two bytes": b"\xc0\xa7",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "beyond the last character": b"\xf4\x90\x80\x80",
    "a continuation alone": b"\x80",
    "a begin alone": b"\xe2\x82",
    "0xFE and 0xFF": b"\xfe\xff",
    "Latin-1": b"caf\xe9",
    "UTF-7": b"+ADw-script+AD4-\xff",
}
"""Bytes that are no UTF-8."""


def marker(number: int, seed: int) -> str:
    """A word that occurs nowhere else; its end is the same in a whole run of the seed."""
    return f"zq{number:05d}{seed & 0xFFFF:04x}"


def phrase(sort: Sort, name: str, mark: str) -> str:
    """One text with its marker."""
    return PHRASES[sort][name].replace("{m}", mark)
