"""Files in the forms in which the PHANGS-MUSE pipeline, GIST and nGIST write them."""

from __future__ import annotations

import h5py
import numpy as np
from astropy.io import fits

LINES = ("HB4861", "OIII4958", "OIII5006", "NII6548", "HA6562", "NII6583", "SII6716", "SII6730")
C = 299_792.458


def write_dap(path, bins, velocity, sigma, *, errors=(5.0, 8.0), drop=(), header=None):
    """A MAPS file of DR1: float64 images, NaN outside of bins."""
    none = bins < 0
    planes = {"BIN_ID": np.where(none, np.nan, bins), "V_STARS": velocity}
    planes["FORM_ERR_V_STARS"] = np.full(bins.shape, errors[0])
    planes["SIGMA_STARS"] = sigma
    planes["FORM_ERR_SIGMA_STARS"] = np.full(bins.shape, errors[1])
    for line in LINES:
        for kind in ("FLUX", "FLUX_ERR", "VEL", "VEL_ERR", "SIGMA", "SIGMA_ERR"):
            planes[f"{line}_{kind}"] = np.zeros(bins.shape)
    hdus = fits.HDUList([fits.PrimaryHDU()])
    for name, values in planes.items():
        if name not in drop:
            image = np.where(none, np.nan, values.astype(np.float64))
            hdus.append(fits.ImageHDU(image, header, name=name))
    hdus.writeto(path, overwrite=True)
    return path


class GistWriter:
    """Writes the output folder of a run.

    Parameters
    ----------
    folder
        Where to.
    version
        "gist", "ngist-5" (names in capitals with hyphens) or "ngist-7" (lower case, underscores).
    """

    def __init__(self, folder, version="ngist-7", run="NGC0000"):
        self.folder, self.version, self.run = folder, version, run
        folder.mkdir(exist_ok=True)

    def table(self, bins, masked=None, header=None):
        """Bins (ny, nx); masked spaxels get minus the number of a near bin, here 0 or 1."""
        masked = np.zeros(bins.shape, dtype=bool) if masked is None else masked
        ny, nx = bins.shape
        y, x = (v.ravel() for v in np.indices(bins.shape))
        number = bins.ravel().astype(float)
        number[masked.ravel()] = -(np.arange(masked.sum()) % 2)
        inside = np.bincount(bins[~masked])
        columns = [
            fits.Column("ID", "J", array=np.arange(ny * nx)),
            fits.Column("BIN_ID", "J", array=number),
            fits.Column("X", "D", array=(x - 3.0) * 0.2),
            fits.Column("Y", "D", array=(y - 2.0) * 0.2),
            fits.Column("FLUX", "D", array=np.ones(ny * nx)),
            fits.Column("SNR", "D", array=np.ones(ny * nx)),
            fits.Column("XBIN", "D", array=np.zeros(ny * nx)),
            fits.Column("YBIN", "D", array=np.zeros(ny * nx)),
            fits.Column("SNRBIN", "D", array=np.full(ny * nx, 40.0)),
            fits.Column("NSPAX", "J", array=inside[np.abs(number).astype(int)]),
        ]
        primary = fits.PrimaryHDU()
        primary.header["PIXSIZE"] = 0.2
        hdus = fits.HDUList([primary, fits.BinTableHDU.from_columns(columns, name="TABLE")])
        if header is not None and self.version != "gist":
            hdus.append(fits.ImageHDU(None, header))
        hdus.writeto(self._path("table"), overwrite=True)
        mask = fits.Column("MASK", "I", array=masked.ravel().astype(int))
        mask = fits.BinTableHDU.from_columns([mask], name="MASKFILE")
        fits.HDUList([fits.PrimaryHDU(), mask]).writeto(self._path("mask"), overwrite=True)
        return self

    def kinematics(self, velocity, sigma, errors=(5.0, 8.0)):
        """One row per bin; velocities in pPXF's convention."""
        values = {"V": velocity, "SIGMA": sigma, "H3": 0.0 * velocity, "H4": 0.0 * velocity}
        values["FORM_ERR_V"] = np.full(len(velocity), errors[0])
        values["FORM_ERR_SIGMA"] = np.full(len(velocity), errors[1])
        columns = [fits.Column(name, "D", array=v) for name, v in values.items()]
        if self.version == "gist":
            columns.insert(0, fits.Column("BIN_ID", "J", array=np.arange(len(velocity))))
        table = fits.BinTableHDU.from_columns(columns, name="KIN_DATA")
        name = "ppxf" if self.version == "gist" else "kin"
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(self._path(name), overwrite=True)
        return self

    def spectra(self, log_wave, flux, sigma):
        """Emission-line-subtracted spectra (n_bin, n_wave); GIST keeps the errors elsewhere."""
        n_wave = len(log_wave)
        columns = [fits.Column("SPEC", f"{n_wave}D", array=flux)]
        if self.version != "gist":
            columns.append(fits.Column("ESPEC", f"{n_wave}D", array=sigma))
        name = {
            "gist": "gandalf-cleaned_BIN",
            "ngist-5": "gas-cleaned_BIN",
            "ngist-7": "gas_cleaned_bin",
        }[self.version]
        self._spectra(name, columns, log_wave)
        # the binned spectra span more wavelengths than the module that fits emission lines
        step = log_wave[1] - log_wave[0]
        wide = np.concatenate([log_wave[0] + step * np.arange(-7, 0), log_wave])
        padded = [np.pad(v, ((0, 0), (7, 0)), mode="edge") for v in (flux, sigma)]
        if self.version == "gist":
            columns = [
                fits.Column(c, f"{n_wave + 7}D", array=v)
                for c, v in zip(("SPEC", "ESPEC"), padded, strict=True)
            ]
            self._spectra("BinSpectra", columns, wide)
        else:
            name = "bin_spectra" if self.version == "ngist-7" else "BinSpectra"
            with h5py.File(self._path(name, ".hdf5"), "w") as file:
                file["SPEC"], file["ESPEC"], file["LOGLAM"] = padded[0].T, padded[1].T, wide
        return self

    def config(self, text):
        """Settings of the run."""
        (self.folder / "CONFIG").write_text(text)
        return self

    def _path(self, name, suffix=".fits"):
        return self.folder / f"{self.run}_{name}{suffix}"

    def _spectra(self, name, columns, log_wave):
        hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="SPECTRA")]
        wave = fits.Column("LOGLAM", "D", array=log_wave)
        hdus.append(fits.BinTableHDU.from_columns([wave], name="LOGLAM"))
        fits.HDUList(hdus).writeto(self._path(name), overwrite=True)
