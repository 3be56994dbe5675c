"""Families of star formation and enrichment histories, and priors of the other parameters."""
