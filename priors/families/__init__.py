"""Families of star formation and enrichment histories, and priors of the other parameters.

`sfh` and `enrichment` hold the priors of histories (`history_prior.HistoryPrior` is what they have
in common), the modules `sfh_curves` and `enrichment_curves` the frozen catalogues that some of them
scatter around, `mixture` joins families, and `nuisance` lists dust, kinematics and gas.
"""

from __future__ import annotations

from priors.families.enrichment import CatalogueEnrichment, RandomWalkEnrichment
from priors.families.history_prior import HistoryPrior
from priors.families.mixture import Mixture
from priors.families.nuisance import Nuisance
from priors.families.sfh import CatalogueSFH, Continuity, DirichletSFH, bursty_continuity

__all__ = [
    "CatalogueEnrichment",
    "CatalogueSFH",
    "Continuity",
    "DirichletSFH",
    "HistoryPrior",
    "Mixture",
    "Nuisance",
    "RandomWalkEnrichment",
    "bursty_continuity",
]
