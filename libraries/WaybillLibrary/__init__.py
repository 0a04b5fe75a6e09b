"""Robot Framework libraries of Waybill, one class per module.

Import the one that a suite needs: `Library    WaybillLibrary.Messages`.
"""

from waybill.version import __version__

__all__ = ["__version__"]
