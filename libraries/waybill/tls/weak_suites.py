"""Cipher suites that must not be agreed on, by their numbers in the IANA registry.

A suite is here if RFC 9325 says that it must not be negotiated, or should not for its strength, or if it authenticates
nobody. Suites with static RSA key exchange and with CBC are discouraged for other reasons than strength, still the
default of servers in wide use, and not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class WeakSuites:
    """Suites that are weak for one reason.

    Attributes:
        kind: What they are called together.
        why: What is wrong with them.
        source: Where that is said.
        suites: Their numbers and names.
    """

    kind: str
    why: str
    source: str
    suites: dict[int, str]


WEAK: Final = (
    WeakSuites(
        "no encryption",
        "everybody on the way can read along",
        "RFC 9325, 4.1: MUST NOT",
        {
            0x0001: "TLS_RSA_WITH_NULL_MD5",
            0x0002: "TLS_RSA_WITH_NULL_SHA",
            0x003B: "TLS_RSA_WITH_NULL_SHA256",
            0xC006: "TLS_ECDHE_ECDSA_WITH_NULL_SHA",
            0xC010: "TLS_ECDHE_RSA_WITH_NULL_SHA",
        },
    ),
    WeakSuites(
        "anonymous",
        "whoever stands in the middle is taken for the server",
        "RFC 5246, F.1.1.1",
        {
            0x0034: "TLS_DH_anon_WITH_AES_128_CBC_SHA",
            0x003A: "TLS_DH_anon_WITH_AES_256_CBC_SHA",
            0x006C: "TLS_DH_anon_WITH_AES_128_CBC_SHA256",
            0x00A6: "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
            0x00A7: "TLS_DH_anon_WITH_AES_256_GCM_SHA384",
            0xC015: "TLS_ECDH_anon_WITH_NULL_SHA",
            0xC018: "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
            0xC019: "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
        },
    ),
    WeakSuites(
        "export",
        "40 bits are searched in minutes, and a genuine server can be made to agree (FREAK)",
        "RFC 9325, 4.1: MUST NOT",
        {
            0x0003: "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
            0x0006: "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5",
            0x0008: "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
            0x0014: "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA",
            0x0017: "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5",
        },
    ),
    WeakSuites(
        "RC4",
        "its keystream is biased, so repeated secrets can be recovered",
        "RFC 7465; RFC 9325, 4.1: MUST NOT",
        {
            0x0004: "TLS_RSA_WITH_RC4_128_MD5",
            0x0005: "TLS_RSA_WITH_RC4_128_SHA",
            0x0018: "TLS_DH_anon_WITH_RC4_128_MD5",
            0xC007: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
            0xC011: "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        },
    ),
    WeakSuites(
        "DES",
        "56 bits can be searched",
        "RFC 5469; RFC 9325, 4.1: MUST NOT",
        {
            0x0009: "TLS_RSA_WITH_DES_CBC_SHA",
            0x0015: "TLS_DHE_RSA_WITH_DES_CBC_SHA",
        },
    ),
    WeakSuites(
        "triple DES",
        "less than 128 bits, and its short blocks give secrets away in long sessions (SWEET32)",
        "RFC 9325, 4.1: SHOULD NOT",
        {
            0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
            0xC008: "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",
            0xC012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
        },
    ),
)

STRONG: Final = {
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
}
"""What any good server of TLS 1.2 has one of."""

STRONG_1_3: Final = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
}
"""The suites of TLS 1.3."""

COMMON: Final = {
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
}
"""What servers of older versions have one of."""

WEAK_SUITES: Final = {number: name for weak in WEAK for number, name in weak.suites.items()}

NAMES: Final = {**WEAK_SUITES, **STRONG, **STRONG_1_3, **COMMON}
