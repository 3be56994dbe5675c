"""Small untrained models, and tiny files as ESO and MAST deliver them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.model.model import ModelCard, PointModel, PosteriorModel
from amortized_sfh.networks.encoder import EncoderConfig
from amortized_sfh.networks.flow import FlowConfig
from simulators.generative import GenerativeModel
from simulators.noise.noise_model import NoiseModel
from simulators.noise.profile import NoiseProfile
from simulators.noise.template_mismatch import TemplateMismatch

BUNIT = "10**(-20)*erg/s/cm**2/Angstrom"
SMALL_ENCODER = EncoderConfig(
    n_latent=16, n_channel=4, n_token_channel=8, n_head=2, n_query=2, n_hidden=16, n_fusion=1
)
SMALL_FLOW = FlowConfig(n_transform=3, n_hidden=16, n_bins=4)


@pytest.fixture(scope="session")
def new_posterior():
    """Make a small untrained posterior model of any generative model."""

    def make(generative: GenerativeModel, seed: int = 0, **flow) -> PosteriorModel:
        torch.manual_seed(seed)
        card, flow_config = ModelCard(name="small"), replace(SMALL_FLOW, **flow)
        return PosteriorModel.untrained(generative, card, SMALL_ENCODER, flow_config)

    return make


@pytest.fixture(scope="session")
def measured_model(small_model) -> GenerativeModel:
    """`small_model` whose noise has a measured mismatch and a measured profile."""
    instrument = small_model.instrument
    wave = np.arange(4700.0, 6000.0, 5.0)
    kernel = np.array([0.2, 0.9, 0.2])
    profile = NoiseProfile(
        name="made up",
        wave_aa=wave,
        scale=1.0 + 0.1 * np.cos(wave / 300.0),
        kernel=tuple((kernel / np.linalg.norm(kernel)).tolist()),
        growth=0.8,
        sky_modes=0.5 * np.exp(-0.5 * ((wave - 5100.0) / 40.0) ** 2)[None],
        source="a test",
    )
    modes = 0.02 * torch.randn(2, 285, generator=torch.Generator().manual_seed(1))
    mismatch = TemplateMismatch(modes=modes, library="a", other="b", explained=0.9, n_histories=9)
    return replace(small_model, noise=NoiseModel(instrument, mismatch=mismatch, profile=profile))


@pytest.fixture(scope="session")
def small_posterior(small_model, new_posterior) -> PosteriorModel:
    """An untrained posterior model whose flow is not the identity."""
    model = new_posterior(small_model, seed=1)
    with torch.no_grad():
        for parameter in model.flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="session")
def small_point(small_model) -> PointModel:
    """An untrained point model."""
    torch.manual_seed(2)
    return PointModel.untrained(small_model, ModelCard(name="small-point"), SMALL_ENCODER)


@pytest.fixture(scope="session")
def small_observation(small_model):
    """Forty mock observations of `small_model`, in units of 1 erg/s/cm²/Å."""
    return replace(small_model.mock(40, seed=3).observation, unit_cgs=1.0)


def celestial(n_x, n_y, scale_arcsec, angle=0.0):
    """WCS centred on the same point of the sky, whatever the size and scale."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [170.0625, 12.9915]
    wcs.wcs.crpix = [0.5 * (n_x + 1), 0.5 * (n_y + 1)]
    c, s = np.cos(angle), np.sin(angle)
    wcs.wcs.pc = [[-c, s], [s, c]]
    wcs.wcs.cdelt = [scale_arcsec / 3600.0] * 2
    wcs.wcs.set()
    return wcs


class CubeWriter:
    """Writes a cube of `flux` (n_plane, ny, nx), 10 by default, with sigma 1."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *, flux=None, shape=(6, 8), header=None, drop=(), stat=True, quality=None):
        n_plane = 1800
        if flux is None:
            flux = np.full((n_plane, *shape), 10.0)
        data = fits.ImageHDU(flux.astype(np.float32), name="DATA")
        spatial = celestial(flux.shape[2], flux.shape[1], 0.2).to_header()
        spatial["WCSAXES"] = 3
        data.header.update(spatial)
        data.header.update(
            {"CTYPE3": "AWAV", "CRVAL3": 4749.89, "CRPIX3": 1.0, "CUNIT3": "Angstrom"}
        )
        data.header.update({"CD3_3": 1.25, "BUNIT": BUNIT, "SKY_RES": 0.8})
        del data.header["CD3_3"]
        data.header["CDELT3"] = 1.25
        data.header.update(header or {})
        for key in drop:
            data.header.remove(key, ignore_missing=True)
        hdus = fits.HDUList([fits.PrimaryHDU(), data])
        if stat is True:
            stat = np.ones_like(flux)
        if stat is not None:
            hdus.append(fits.ImageHDU(stat.astype(np.float32), name="STAT"))
        if quality is not None:
            hdus.append(fits.ImageHDU(quality.astype(np.uint8), name="DQ"))
        path = self.folder / "cube.fits"
        hdus.writeto(path, overwrite=True)
        return path


@pytest.fixture
def write_cube(tmp_path):
    """Return a function that writes a cube and gives its path."""
    return CubeWriter(tmp_path)


@pytest.fixture
def write_hst(tmp_path):
    """Return a function that writes a drizzled image in electrons/s and gives its path."""

    def write(image=None, band="F555W", *, wcs=None, drop=(), header=None, name=None, sci="SCI"):
        if image is None:
            image = np.full((120, 150), 2.0)
        wcs = wcs or celestial(image.shape[1], image.shape[0], 0.04, angle=0.6)
        primary = fits.PrimaryHDU()
        primary.header.update({"FILTER": band, "EXPTIME": 1000.0, "INSTRUME": "WFC3"})
        science = fits.ImageHDU(image.astype(np.float32), header=wcs.to_header(), name=sci)
        science.header.update({"PHOTFLAM": 1.8e-19, "PHOTPLAM": 5307.0, "BUNIT": "ELECTRONS/S"})
        science.header.update(header or {})
        for key in drop:
            science.header.remove(key, ignore_missing=True)
        path = tmp_path / (name or f"{band.lower()}_drc.fits")
        fits.HDUList([primary, science]).writeto(path, overwrite=True)
        return path

    return write


@pytest.fixture
def sky():
    """Return the function that makes a celestial WCS."""
    return celestial
