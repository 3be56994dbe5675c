"""Diagnostics of posteriors against known truths.

`sbc_ranks` ranks truths among draws, `rank_coverage` and `interval_coverage` tell the share of
truths inside credible intervals, and `accuracy` sums up the errors of estimates.
"""

from __future__ import annotations

from amortized_sfh.diagnostics.accuracy import Accuracy, accuracy
from amortized_sfh.diagnostics.coverage import interval_coverage, rank_coverage, sbc_ranks

__all__ = ["Accuracy", "accuracy", "interval_coverage", "rank_coverage", "sbc_ranks"]
