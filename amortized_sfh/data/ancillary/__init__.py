"""Maps and regions beside a cube: bins, velocities, ds9 regions, PHANGS-DAP and nGIST."""
