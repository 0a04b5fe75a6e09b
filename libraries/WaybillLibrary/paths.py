"""Where the bundled keywords, suites and resources are, as Robot variables.

A suite outside the kit imports the steps like this, whether the kit is a wheel or a clone:

```robotframework
*** Settings ***
Variables    WaybillLibrary.paths
Resource     ${KEYWORDS}/sending.resource
```
"""

from __future__ import annotations

from waybill.bundled import folder

__all__ = ["KEYWORDS", "RESOURCES", "SUITES"]

KEYWORDS = str(folder("keywords"))
SUITES = str(folder("suites"))
RESOURCES = str(folder("resources"))
