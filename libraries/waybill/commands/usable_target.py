"""The target that a command line names, refused unless it can be put to the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waybill.commands.exits import UsageError
from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.waivers import Waiver, WaiverError, accept

if TYPE_CHECKING:
    from waybill.targets import TargetFile


def usable_target(name: str) -> tuple[TargetFile, list[Waiver]]:
    """Reads a target file and looks whether everything that it needs is there.

    Args:
        name: The name of a target that comes with the kit, or the path of a file; perhaps with a variant.

    Returns:
        The target and its waivers.

    Raises:
        UsageError: It is refused, it names guarantees that the catalogue does not have, its driver or a
            program is not installed.
    """
    from waybill.drivers.registry import names
    from waybill.targets import TargetError, find_target
    from waybill.targets.find import availability, form

    catalogue = bundled_catalogue()
    try:
        file = find_target(name)
        waivers = accept(file.waivers, catalogue)
        if file.several_nodes:
            form(file)
    except (TargetError, WaiverError) as error:
        raise UsageError(str(error)) from None
    for variant in file.variants:
        unknown = [guarantee for guarantee in variant.breaks if guarantee not in catalogue.guarantees]
        if unknown:
            raise UsageError(
                f"{file.path.name}: the variant '{variant.name}' breaks {', '.join(unknown)}, which the catalogue "
                f"does not have. See docs/reports.md for the list."
            )
    if file.driver not in names():
        raise UsageError(
            f"{file.path.name}: no driver is called '{file.driver}'; there are: {', '.join(names())}."
        )
    lacking = availability(file)
    if lacking.missing:
        remedy = f" Install it with: {lacking.install}" if lacking.install else ""
        raise UsageError(
            f"The target {file.name} needs {' and '.join(lacking.missing)}, which is not installed.{remedy}"
        )
    return file, waivers
