from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.tls.client_hello import EXTENDED_MASTER_SECRET, KEY_SHARE, ClientHello, NoClientHello
from waybill.tls.hello import SUPPORTED_VERSIONS, TLS_1_1, TLS_1_2, TLS_1_3, Offer, client_hello
from waybill.tls.weak_suites import COMMON, STRONG, STRONG_1_3

WORDS = st.integers(0, 0xFFFF)
HELLOS = st.builds(
    ClientHello,
    WORDS,
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=32),
    st.lists(WORDS, max_size=20).map(tuple),
    st.binary(max_size=3),
    st.lists(st.tuples(WORDS, st.binary(max_size=40)), max_size=8).map(tuple),
)


def of_the_library() -> bytes:
    """The hello of the module ssl."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


HELLO = of_the_library()


@given(HELLOS)
def test_a_hello_is_put_together_as_it_was_taken_apart(hello: ClientHello) -> None:
    assert ClientHello.read(hello.record()) == hello


def test_the_hello_of_the_library_comes_out_as_it_went_in() -> None:
    record = of_the_library()
    hello = ClientHello.read(record)
    assert hello.record() == record
    assert hello.newest == TLS_1_3
    assert (0, b"\x00\x0c\x00\x00\x09localhost") in hello.extensions


def test_a_lowered_hello_has_nothing_of_what_is_newer() -> None:
    hello = ClientHello.read(of_the_library())
    lowered = hello.lowered(TLS_1_2)
    assert lowered.newest == lowered.version == TLS_1_2
    assert not {SUPPORTED_VERSIONS, KEY_SHARE} & {number for number, _ in lowered.extensions}
    assert not set(STRONG_1_3) & set(lowered.suites)
    assert set(lowered.suites) & set(STRONG)
    assert hello.lowered(TLS_1_1).suites == tuple(COMMON)


def test_an_extension_can_be_taken_out() -> None:
    hello = ClientHello.read(of_the_library())
    bare = hello.without_extension(EXTENDED_MASTER_SECRET)
    assert {*hello.extensions} - {*bare.extensions} == {(EXTENDED_MASTER_SECRET, b"")}


def test_a_hello_without_extensions_is_read_too() -> None:
    hello = ClientHello.read(client_hello(Offer(0x0300, (5,))))
    assert hello.extensions == ()
    assert hello.newest == 0x0300


@pytest.mark.parametrize(
    "content",
    [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", of_the_library()[:60]],
    ids=["nothing", "HTTP", "another message", "cut off"],
)
def test_other_bytes_are_no_hello(content: bytes) -> None:
    with pytest.raises(NoClientHello):
        ClientHello.read(content)


@given(st.binary(max_size=200), st.integers(0, 250))
def test_no_bytes_are_read_wrong(tail: bytes, cut: int) -> None:
    content = HELLO[:cut] + tail
    with contextlib.suppress(NoClientHello):
        ClientHello.read(content)
