"""Placeholders in target files: `{port}`, `{issuer.address}`, `{certificate}`.

A placeholder is a known word in braces. Braces around anything else stay as they are, since configuration
files are full of them; `{{word}}` stands for a literal `{word}`.

`{environment.NAME}` is a variable of the environment that the kit runs in, for what differs from machine to machine.

`{secret.NAME}` is a secret that nobody outside the launch knows: another one for every name, and the same one
wherever a name occurs.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from typing import Final

from waybill.targets.errors import TargetError
from waybill.targets.toml_table import nearest

_PLACEHOLDER: Final = re.compile(r"\{\{([A-Za-z0-9_.-]+)\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}")

_ENVIRONMENT: Final = "environment."
_SECRET: Final = "secret."
_KEY_OF_SECRETS: Final = f"{_SECRET}NAME"


def new_secrets() -> dict[str, str]:
    """The placeholders `{secret.NAME}` for every name, for one launch."""
    return {_KEY_OF_SECRETS: secrets.token_hex(32)}


def fill(text: str, values: Mapping[str, str], where: str) -> str:
    """The text with every placeholder replaced.

    Args:
        text: The template.
        values: The known placeholders.
        where: What the template is, for the error message.

    Raises:
        TargetError: A placeholder is not known, or an environment variable is not set.
    """

    def replaced(found: re.Match[str]) -> str:
        if found[1]:
            return "{" + found[1] + "}"
        if found[2].startswith(_ENVIRONMENT):
            return _variable(found[2].removeprefix(_ENVIRONMENT), where)
        value = _secret(found[2], values) or values.get(found[2])
        if value is None:
            raise TargetError(
                f"{where}: there is no placeholder {{{found[2]}}}{nearest(found[2], list(values)) or '.'} "
                f"Known here: {', '.join(sorted(values))}. For literal braces write {{{{{found[2]}}}}}."
            )
        return value

    return _PLACEHOLDER.sub(replaced, text)


def _variable(name: str, where: str) -> str:
    """An environment variable; one that is empty counts as not set."""
    value = os.environ.get(name, "")
    if not value:
        raise TargetError(
            f"{where}: the environment variable {name} is not set; the target file needs it as "
            f"{{{_ENVIRONMENT}{name}}}. Set it, and say there what the target file's comment asks for."
        )
    return value


def _secret(name: str, values: Mapping[str, str]) -> str:
    """The secret of a name; empty if the name is that of something else."""
    key = values.get(_KEY_OF_SECRETS)
    if key is None or not name.startswith(_SECRET):
        return ""
    return hmac.new(bytes.fromhex(key), name.encode(), hashlib.sha256).hexdigest()[:40]
