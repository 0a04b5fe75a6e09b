"""An issuer without a network, that signs odd claims, and what false tokens are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import jwt
import pytest
from issuer_of_tests import ISSUER, KEY

from waybill.tokens.attack import Materials
from waybill_server.accounts import Accounts, password_digest
from waybill_server.issuer import TokenMaker
from waybill_server.token_check import IssuerTokenCheck, KeyCache, PublishedKeys


@pytest.fixture(scope="session")
def grant(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Gives a token to an account, odd as the further parameters say."""
    path = tmp_path_factory.mktemp("issuer") / "accounts.jsonl"
    digest = password_digest(b"", "secret")
    path.write_text(
        "".join(
            f'{{"user": "{user}", "salt": "", "password_sha256": "{digest}"}}\n'
            for user in ("bob-the-victim", "mallory")
        )
    )
    maker = TokenMaker(ISSUER, lambda: KEY, Accounts(Path(path)), 3600, odd=True)

    def give(user: str, more: Mapping[str, str] | None = None) -> str:
        form = {"grant_type": "password", "username": user, "password": "secret", **(more or {})}
        return str(maker.grant(form, None)["access_token"])

    return give


@pytest.fixture(scope="session")
def materials(grant: Callable[..., str]) -> Materials:
    return Materials(
        genuine=grant("mallory"),
        stolen=grant("bob-the-victim"),
        stolen_too=grant("bob-the-victim"),
        victim="bob-the-victim",
        keys=[KEY.public],
        listener="127.0.0.1:9",
        sign_odd=lambda oddities: grant("bob-the-victim", oddities),
    )


@pytest.fixture
def reference_check() -> IssuerTokenCheck:
    """The token check of the reference node, that fetches no keys."""

    def never() -> PublishedKeys:
        raise OSError("no issuer is asked for keys here")

    return IssuerTokenCheck(
        ISSUER, KeyCache(PublishedKeys({KEY.kid: jwt.PyJWK(KEY.public)}, math.inf), never)
    )
