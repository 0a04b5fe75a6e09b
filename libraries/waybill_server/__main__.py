"""`python -m waybill_server` is `waybill-server`."""

import sys

from waybill_server.cli import main

sys.exit(main())
