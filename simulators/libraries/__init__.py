"""Readers of SSP libraries; each returns an `simulators.ssp_grid.SSPGrid`."""

from __future__ import annotations

from simulators.libraries.bc03 import find_bc03, read_bc03

__all__ = ["find_bc03", "read_bc03"]
