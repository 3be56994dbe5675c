"""Physical quantities of a posterior, the lowest room of the package.

`registry` holds name, unit, label and formula of every product, and the groups in which they are
shown; `quantity` is the type, `statistics` the five numbers that summarise draws. `derived`, `mass`
and `surface_densities` compute quantities of histories, `spectrum_scale` the level of a spectrum,
`flags` the bits that say why a result is to be doubted.
"""
