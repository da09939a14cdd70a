"""Run once, when the shim starts the engine."""

from __future__ import annotations

import gc

from . import boundary

# The engine's values have no cycles, and a collection would stop the server's only thread. What has been imported
# is set aside, so that a collection that is asked for by hand does not look at it.
gc.disable()
gc.collect()
gc.freeze()

boundary.ready = True
