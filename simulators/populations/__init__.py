"""Stellar populations: SSP grids, averages over age bins, and the gas of young stars."""
