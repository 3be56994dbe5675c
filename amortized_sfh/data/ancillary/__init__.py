"""Maps and regions that come beside a cube.

`spaxel_maps` reads bins and velocities of any origin, `ds9_regions` foreground stars and apertures,
`dap_maps` the products of PHANGS-MUSE, `gist_products` the folders of GIST and nGIST.
"""
