"""Two real spectra beside pPXF: NGC 3073 (young) and NGC 3522 (old), from SDSS.

The files are in the wheel of `ppxf`. Both methods see the same pixels, errors and templates. There
are no HST bands. SDSS adds 3 % of the flux to the error of every exposure, which is no noise of
single pixels (that is four to five times smaller): both methods leave residuals below these errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from astropy.table import Table

from amortized_sfh.data.files.fits_files import InputFileError, open_fits
from amortized_sfh.data.spectra.read_spectra import read_spectrum
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.model.model_files import load_model
from amortized_sfh.quantities.registry import LOGAGE_LW, LOGAGE_MW, MH_LW, MH_MW, SIGMA, V
from amortized_sfh.quantities.statistics import STATISTICS
from amortized_sfh.requests.infer_spectrum import InferSpectrumRequest
from amortized_sfh.workflows.demos.package_data import package_folder
from amortized_sfh.workflows.infer_spectra import run_infer_spectrum
from simulators.files.whole_files import output_folder

GALAXIES = ("NGC3073", "NGC3522")
TABLE = "comparison.ecsv"
N_DRAWS, SEED = 4000, 3073
#: A_g / E(B-V) of the SDSS reddening vector (Schlegel, Finkbeiner & Davis 1998, Table 6), and
#: E(B-V) of Schlafly & Finkbeiner (2011) over theirs.
_A_G_PER_EBV, _SF11 = 3.793, 0.86
_REGUL = 100.0
#: Quantities that both methods give. Not A_V: without bands pPXF's multiplicative polynomial takes
#: its place.
_QUANTITIES = (LOGAGE_MW, LOGAGE_LW, MH_MW, MH_LW, SIGMA, V)


class SdssHeader(NamedTuple):
    """Redshift and foreground of a galaxy, as its SDSS file states them.

    Attributes
    ----------
    redshift
        Of the SDSS pipeline.
    ebv
        Galactic E(B-V) in mag, median of the plate.
    """

    redshift: float
    ebv: float


def sdss_files() -> dict[str, Path]:
    """Find the spectra in an installed `ppxf`, without importing it.

    Returns
    -------
    dict of str to Path
        Name of each galaxy, and the file of its spectrum.

    Raises
    ------
    FileNotFoundError
        If ppxf is not installed or does not carry them.
    """
    what = "the SDSS spectra of NGC 3073 and NGC 3522"
    folder = package_folder("ppxf", "spectra", what=what)
    files = {}
    for galaxy in GALAXIES:
        found = sorted(folder.glob(f"{galaxy}_SDSS*.fits"))
        if not found:
            raise FileNotFoundError(
                f"{folder} has no spectrum of {galaxy}: reinstall ppxf (9.5 carries it)"
            )
        files[galaxy] = found[-1]
    return files


def read_sdss_header(path: str | Path) -> SdssHeader:
    """Read redshift and foreground reddening of an SDSS file.

    Raises
    ------
    InputFileError
        If the file does not have them.
    """
    with open_fits(path) as hdul:
        try:
            redshift = float(hdul["SPECOBJ"].data["Z"][0])
            a_g = float(str(hdul[0].header["REDDEN"]).split()[1])
        except (KeyError, IndexError, ValueError) as error:
            raise InputFileError(
                f"{path} lacks SPECOBJ.Z or REDDEN ({error}); expected an SDSS spec file"
            ) from error
    return SdssHeader(redshift, _SF11 * a_g / _A_G_PER_EBV)


def sdss_comparison(
    out: str | Path,
    *,
    model: str | Path | PosteriorModel = "phangs-bc03",
    draws: int = N_DRAWS,
    overwrite: bool = False,
) -> Table:
    """Infer both galaxies, fit them with pPXF and write the products and a table.

    Parameters
    ----------
    out : str or Path
        Folder; it receives a folder per galaxy and `comparison.ecsv`.
    model : str, Path or PosteriorModel
        Name or folder of the model to infer with, or the model itself.
    draws : int
        Posterior draws per galaxy.
    overwrite : bool
        If true, what an earlier run left is replaced.

    Returns
    -------
    Table
        A row per galaxy and quantity: posterior mean, standard deviation and percentiles, and
        pPXF's value without and with regularisation.

    Raises
    ------
    FileExistsError
        If the folder exists and may not be replaced.
    FileNotFoundError, ImportError
        If ppxf or its spectra are missing.
    """
    products = (*GALAXIES, TABLE)
    files = sdss_files()
    loaded = model if isinstance(model, PosteriorModel) else load_model(model)
    rows = []
    with output_folder(out, products, overwrite) as folder:
        for galaxy, path in files.items():
            header = read_sdss_header(path)
            request = InferSpectrumRequest(
                spectrum=path,
                out=folder / galaxy,
                redshift=header.redshift,
                ebv=header.ebv,
                draws=draws,
                seed=SEED,
            )
            samples = run_infer_spectrum(request, model=loaded)
            fits = fit_with_ppxf(loaded, path, header)
            rows += comparison_rows(galaxy, samples, fits)
        table = Table(rows=rows)
        for name in table.colnames[2:]:
            table[name].info.format = ".4g"
        table.meta = {"model": loaded.card.name, "draws": draws, "seed": SEED, "regul": _REGUL}
        table.write(folder / TABLE)
    return table


def fit_with_ppxf(
    model: PosteriorModel, path: Path, header: SdssHeader
) -> dict[str, dict[str, float]]:
    """Fit a spectrum with pPXF and the templates of the model.

    Parameters
    ----------
    model
        Supplies templates and resolution.
    path
        SDSS file of the spectrum.
    header
        Its redshift and foreground.

    Returns
    -------
    dict of str to dict
        `ppxf` and `ppxf_regul`: quantities by pPXF's names.

    Raises
    ------
    ImportError
        If ppxf cannot be imported.
    """
    from amortized_sfh.comparison.ppxf_fit import PPXFConfig, PPXFFitter  # noqa: PLC0415 (optional)

    spectrum = read_spectrum(path)
    observation = spectrum.observe(model.instrument, header.redshift, ebv=header.ebv)
    configs = {"ppxf": PPXFConfig(), "ppxf_regul": PPXFConfig(regul=_REGUL)}
    return {
        name: PPXFFitter(model.generative, config).fit(observation)
        for name, config in configs.items()
    }


def comparison_rows(
    galaxy: str, samples: PosteriorSamples, fits: dict[str, dict[str, float]]
) -> list[dict[str, Any]]:
    """Return one row of the table per quantity.

    Parameters
    ----------
    galaxy
        Name of the galaxy.
    samples
        Posterior of one observation.
    fits
        Fits by name, as `fit_with_ppxf` gives them.

    Returns
    -------
    list of dict
        Columns `galaxy, quantity, mean, std, p16, p50, p84`, one per fit, and the reduced
        chi-square of the posterior predictive.
    """
    summary = samples.summary()
    rows = []
    for quantity in _QUANTITIES:
        values = np.asarray(summary[quantity.name][0], dtype=float)
        row: dict[str, Any] = {"galaxy": galaxy, "quantity": quantity.name}
        row |= dict(zip(STATISTICS, values, strict=True))
        row |= {fit: float(result[quantity.key]) for fit, result in fits.items()}
        rows.append(row | {"reduced_chi2": float(samples.chi2[0])})
    return rows
