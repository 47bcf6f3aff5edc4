"""What the rows of a block are called that no name of a model can be."""

from __future__ import annotations

__all__ = ["ARMED", "BEFORE", "FLAG", "LEVEL", "PHASE", "WAIT"]

ARMED, BEFORE, FLAG, PHASE, WAIT = "_armed", "_v_before", "_flag", "_phase", "_wait"
LEVEL = "_level_before"
"""Where a threshold that moves was one step ago."""
