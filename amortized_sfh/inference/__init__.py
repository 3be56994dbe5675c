"""From observations to posterior draws: the sampler, the draws, and their predictive checks."""
