"""Regions of a galaxy: many spaxels combined into one answer, and radial profiles.

Here, and only here, a *region* is a group of spaxels (or bins) of one cube that are combined, its
*members* are their spectra: :func:`~amortized_sfh.aggregation.aggregate.aggregate` combines their
posteriors into a :class:`~amortized_sfh.aggregation.region_posterior.RegionPosterior`,
:func:`~amortized_sfh.aggregation.coadd.coadd` adds up their data, and
:func:`~amortized_sfh.aggregation.radial_profile.radial_profile` does the first for each annulus.
The other modules are the steps of ``aggregate``: likelihoods freed of the prior, errors that all
members share, the population, and the totals of its members.
"""

from __future__ import annotations

from amortized_sfh.aggregation.prior_coordinates import PriorCoordinates
from amortized_sfh.aggregation.totals import MemberHistories, add_up_members

__all__ = ["MemberHistories", "PriorCoordinates", "add_up_members"]
