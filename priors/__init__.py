"""Priors over star formation, enrichment, dust, kinematics and gas, with exact densities.

Start with `default_prior`. `priors.ages` has the age bins and the algebra of histories over them,
`priors.families` the priors of histories and of single parameters, `priors.joint` puts them
together, and `priors.space` knows order, units and bounds of the parameters theta and their
unbounded coordinates u. `priors.contracts` checks a prior of your own.
"""

from __future__ import annotations

from priors.ages import AgeBins, log_sfr_to_steps, mass_fractions, steps_to_log_sfr
from priors.defaults import default_prior, default_space
from priors.joint import JointPrior, UnboundedPrior
from priors.space import Parameter, ParameterSpace

__all__ = [
    "AgeBins",
    "JointPrior",
    "Parameter",
    "ParameterSpace",
    "UnboundedPrior",
    "default_prior",
    "default_space",
    "log_sfr_to_steps",
    "mass_fractions",
    "steps_to_log_sfr",
]
