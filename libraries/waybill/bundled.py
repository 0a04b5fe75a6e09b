"""Where the suites, keywords and resources that come with the kit are.

A wheel carries them inside the package WaybillLibrary; in a clone they are the top-level folders. Both
cases are found from the place of this module, so nothing depends on the working directory.
"""

from __future__ import annotations

from pathlib import Path

LIBRARIES = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    """Finds a folder that comes with the kit.

    Args:
        name: `suites`, `keywords` or `resources`.

    Returns:
        The folder beside the package's modules (a wheel), else the one two levels above the package (a
        clone).

    Raises:
        FileNotFoundError: Neither is there; the message names both places.
    """
    in_wheel = LIBRARIES / "WaybillLibrary" / name
    in_clone = LIBRARIES.parent / name
    for place in (in_wheel, in_clone):
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"The folder '{name}' of Waybill is in neither {in_wheel} nor {in_clone}: the installation is "
        f"incomplete. Install the wheel again, or run from a complete clone."
    )
