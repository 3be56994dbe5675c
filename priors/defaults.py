"""The default mixtures of star formation and enrichment histories, with their weights."""

from __future__ import annotations

from priors.ages import AgeBins
from priors.enrichment import CatalogueEnrichment, RandomWalkEnrichment
from priors.enrichment_curves import build_enrichment_curves
from priors.mixture import Mixture
from priors.sfh import CatalogueSFH, Continuity, DirichletSFH, bursty_continuity
from priors.sfh_curves import build_sfh_curves


def default_sfh(bins: AgeBins) -> Mixture:
    """Mix continuity 0.35, bursty continuity 0.25, Dirichlet 0.10, catalogue 0.30.

    Parameters
    ----------
    bins : AgeBins
        The bins.

    Returns
    -------
    Mixture
        The default prior of star formation histories.
    """
    families = (
        Continuity(bins),
        bursty_continuity(bins),
        DirichletSFH(bins),
        CatalogueSFH(build_sfh_curves(bins)),
    )
    return Mixture(families, (0.35, 0.25, 0.10, 0.30))


def default_enrichment(bins: AgeBins) -> Mixture:
    """Mix random walk and catalogue in equal parts.

    Parameters
    ----------
    bins : AgeBins
        The bins.

    Returns
    -------
    Mixture
        The default prior of enrichment histories.
    """
    families = (RandomWalkEnrichment(bins), CatalogueEnrichment(build_enrichment_curves(bins)))
    return Mixture(families, (0.5, 0.5))
