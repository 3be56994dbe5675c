"""Mock galaxies as files: :mod:`~amortized_sfh.data.mocks.files` writes cube, HST images and truth.

It also reads the truth back.
"""
