"""The default mixtures of star formation and enrichment histories, with their weights."""

from __future__ import annotations

from collections.abc import Sequence

from priors.ages import AgeBins
from priors.families.enrichment import CatalogueEnrichment, RandomWalkEnrichment
from priors.families.enrichment_curves import build_enrichment_curves
from priors.families.mixture import Mixture
from priors.families.nuisance import Nuisance, default_nuisances
from priors.families.sfh import CatalogueSFH, Continuity, DirichletSFH, bursty_continuity
from priors.families.sfh_curves import build_sfh_curves
from priors.joint import JointPrior
from priors.space import ParameterSpace


def default_prior(
    bins: AgeBins | None = None, nuisances: Sequence[Nuisance] | None = None
) -> JointPrior:
    """Build the default prior.

    Star formation histories are a mixture of continuity 0.35, bursty continuity 0.25, Dirichlet
    0.10 and catalogue 0.30, enrichment histories one of random walk and catalogue in equal parts.

    Parameters
    ----------
    bins : AgeBins, optional
        Age bins of the histories; the 16 default ones when None.
    nuisances : sequence of Nuisance, optional
        Parameters beside the histories; `default_nuisances` when None.

    Returns
    -------
    JointPrior
        The default prior, the same whenever it is built with the same arguments.

    Examples
    --------
    >>> import torch
    >>> prior = default_prior()
    >>> prior.sample((3,), generator=torch.Generator().manual_seed(1)).shape
    torch.Size([3, 37])
    """
    bins = AgeBins() if bins is None else bins
    nuisances = default_nuisances() if nuisances is None else nuisances
    frozen = CatalogueSFH(build_sfh_curves(bins))
    sfh = Continuity(bins), bursty_continuity(bins), DirichletSFH(bins), frozen
    enrichment = RandomWalkEnrichment(bins), CatalogueEnrichment(build_enrichment_curves(bins))
    mixtures = Mixture(sfh, (0.35, 0.25, 0.10, 0.30)), Mixture(enrichment, (0.5, 0.5))
    return JointPrior(bins, *mixtures, nuisances)


def default_space(bins: AgeBins | None = None) -> ParameterSpace:
    """Build the parameter space of `default_prior`.

    Parameters
    ----------
    bins : AgeBins, optional
        Age bins of the histories; the 16 default ones when None.

    Returns
    -------
    ParameterSpace
        The default parameter space, equal for equal bins.
    """
    return default_prior(bins).space
