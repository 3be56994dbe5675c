"""Devices, threads and seeds of long runs; the same seed gives the same numbers on any machine.

`device` chooses where to compute, `parallel` spreads independent pieces of work over all cores, and
`seeding` makes their random numbers, which do not depend on the number of cores.
"""

from __future__ import annotations

from simulators.runs.parallel import map_in_threads

__all__ = ["map_in_threads"]
