"""What is believed before the data: priors over star formation, enrichment, dust and kinematics.

Start with `default_prior`; `ParameterSpace` knows the parameters and their coordinates.
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
