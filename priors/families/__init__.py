"""Families of star formation and enrichment histories, and priors of the other parameters.

`sfh` and `enrichment` hold the priors of histories (`history_prior.HistoryPrior` is what they have
in common), the modules `sfh_curves` and `enrichment_curves` the frozen catalogues that some of them
scatter around, `mixture` joins families, and `nuisance` lists dust, kinematics and gas.
"""
