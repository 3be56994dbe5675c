"""Single spectra and rows of them: reading, band fluxes beside them, and bringing them to a model.

:mod:`~amortized_sfh.data.spectra.read_spectra` reads any supported file into
:class:`~amortized_sfh.data.spectra.spectrum.Spectrum`, whose ``observe`` makes the observation that
a model takes; the other modules are its readers by kind of file, and
:mod:`~amortized_sfh.data.spectra.expected_chi2` says how good a fit can be.
"""
