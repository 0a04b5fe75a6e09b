from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from waybill.tls.authority import Authority
from waybill.tokens.obtain import IssuerUnreachable, Token, TokenClient, TokenRefused


class Issuer:
    """A small issuer whose answers a test can set."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "tls")
        certificate = self.authority.issue(folder, ["127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                self.answer(*issuer.documents.get(self.path, (404, {})))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                issuer.forms.append(parse_qs(body))
                issuer.types.append(self.headers["Content-Type"])
                issuer.headers.append(dict(self.headers))
                self.answer(*issuer.answer)

            def answer(self, status: int, document: Any) -> None:
                content = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in issuer.told.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        described = {"issuer": self.url, "token_endpoint": f"{self.url}/token"}
        self.documents: dict[str, Any] = {"/.well-known/openid-configuration": (200, described)}
        self.answer: tuple[int, Any] = (
            200,
            {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 300},
        )
        self.told: dict[str, str] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.types: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def client(self, **options: Any) -> TokenClient:
        return TokenClient(self.url, authority=self.authority.certificate, **options)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    issuer = Issuer(tmp_path)
    yield issuer
    issuer.close()


def test_a_token_is_obtained_with_the_password_grant(issuer: Issuer) -> None:
    token = issuer.client().obtain("alice", "se:cret &=", device="phone")
    assert token == Token("a.b.c", 300.0)
    assert issuer.forms == [
        {"grant_type": ["password"], "username": ["alice"], "password": ["se:cret &="], "device": ["phone"]}
    ]
    assert issuer.types == ["application/x-www-form-urlencoded"]


def test_client_and_scope_are_named_where_given_and_the_document_is_fetched_once(issuer: Issuer) -> None:
    client = issuer.client(client="kit", scope="chat")
    client.obtain("alice", "x")
    client.obtain("bob", "y")
    assert issuer.forms[1]["client_id"] == ["kit"]
    assert issuer.forms[1]["scope"] == ["chat"]
    assert len(issuer.asked) == 1


def test_the_document_of_rfc_8414_serves_as_well(issuer: Issuer) -> None:
    issuer.documents = {"/.well-known/oauth-authorization-server": issuer.documents.popitem()[1]}
    assert issuer.client().obtain("alice", "x").text == "a.b.c"


def test_a_token_is_never_shown() -> None:
    assert "a.b.c" not in repr(Token("a.b.c"))


def test_a_refusal_names_account_code_and_reason_but_not_the_password(issuer: Issuer) -> None:
    issuer.answer = (400, {"error": "invalid_grant", "error_description": "wrong password"})
    with pytest.raises(TokenRefused) as refused:
        issuer.client().obtain("alice", "top-secret")
    assert refused.value.code == "invalid_grant"
    assert refused.value.status == 400
    assert "refused a token for 'alice': invalid_grant (wrong password)" in str(refused.value)
    assert "top-secret" not in str(refused.value)


def test_a_refusal_without_json_has_its_status(issuer: Issuer) -> None:
    issuer.answer = (503, b"<html>")
    with pytest.raises(TokenRefused, match="status 503"):
        issuer.client().obtain("alice", "x")


@pytest.mark.parametrize(
    "answer", [{}, {"access_token": "a"}, {"access_token": 7, "token_type": "bearer"}, [1]]
)
def test_an_answer_without_a_usable_token_is_no_token(issuer: Issuer, answer: Any) -> None:
    issuer.answer = (200, answer)
    with pytest.raises(IssuerUnreachable, match="expected access_token and token_type 'Bearer'"):
        issuer.client().obtain("alice", "x")


def test_an_issuer_without_a_document_is_told_from_a_missing_one(issuer: Issuer) -> None:
    issuer.documents = {}
    with pytest.raises(
        IssuerUnreachable, match=r"openid-configuration: status 404; .*Is this the issuer's address"
    ):
        issuer.client().discover()


def test_a_document_of_another_issuer_is_refused(issuer: Issuer) -> None:
    issuer.documents["/.well-known/openid-configuration"][1]["issuer"] = "https://elsewhere"
    with pytest.raises(IssuerUnreachable, match="describes another issuer: 'https://elsewhere'"):
        issuer.client().discover()


def test_a_strange_authority_is_not_trusted(issuer: Issuer, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with pytest.raises(IssuerUnreachable, match="certificate verify failed"):
        TokenClient(issuer.url, authority=other.certificate).discover()


def test_an_issuer_that_does_not_run_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(
        IssuerUnreachable, match=r"https://127\.0\.0\.1:1/.*cannot be reached.*Does the issuer run"
    ):
        TokenClient("https://127.0.0.1:1", authority=authority.certificate).discover()


def test_only_https_is_spoken() -> None:
    with pytest.raises(ValueError, match="expected an issuer address https://"):
        TokenClient("http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [({"Cache-Control": "public, max-age=300"}, 300.0), ({"Cache-Control": "no-cache"}, 0.0), ({}, 0.0)],
)
def test_how_long_keys_may_be_kept_is_what_the_issuer_says(
    issuer: Issuer, told: dict[str, str], seconds: float
) -> None:
    described = issuer.documents["/.well-known/openid-configuration"][1]
    described["jwks_uri"] = f"{issuer.url}/keys"
    issuer.documents["/keys"] = (200, {"keys": []})
    issuer.told = told
    assert issuer.client().keys_age() == seconds


def test_keys_that_are_not_there_cannot_be_kept(issuer: Issuer) -> None:
    issuer.documents["/.well-known/openid-configuration"][1]["jwks_uri"] = f"{issuer.url}/nowhere"
    with pytest.raises(IssuerUnreachable, match="/nowhere cannot be reached"):
        issuer.client().keys_age()
