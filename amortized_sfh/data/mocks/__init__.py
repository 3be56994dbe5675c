"""Mock galaxies as files: :mod:`~amortized_sfh.data.mocks.files` writes cube and HST images.

:mod:`~amortized_sfh.data.mocks.truth` writes and reads the true parameters beside them.
"""
