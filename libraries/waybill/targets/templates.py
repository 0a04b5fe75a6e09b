"""Placeholders in target files: `{port}`, `{issuer.address}`, `{certificate}`.

A placeholder is a known word in braces. Braces around anything else stay as they are, since configuration
files are full of them; `{{word}}` stands for a literal `{word}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from waybill.targets.errors import TargetError
from waybill.targets.toml_table import nearest

_PLACEHOLDER: Final = re.compile(r"\{\{([A-Za-z0-9_.-]+)\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


def fill(text: str, values: Mapping[str, str], where: str) -> str:
    """The text with every placeholder replaced.

    Args:
        text: The template.
        values: The known placeholders.
        where: What the template is, for the error message.

    Raises:
        TargetError: A placeholder is not known.
    """

    def replaced(found: re.Match[str]) -> str:
        if found[1]:
            return "{" + found[1] + "}"
        value = values.get(found[2])
        if value is None:
            raise TargetError(
                f"{where}: there is no placeholder {{{found[2]}}}{nearest(found[2], list(values)) or '.'} "
                f"Known here: {', '.join(sorted(values))}. For literal braces write {{{{{found[2]}}}}}."
            )
        return value

    return _PLACEHOLDER.sub(replaced, text)
