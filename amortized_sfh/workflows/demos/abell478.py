"""The real-data run: the central galaxy of Abell 478, a MUSE cube and an HST image.

The cube (DATA, STAT; 40 x 40 spaxels; z = 0.0858) and the WFPC2 F814W image are in the wheel of
`mpdaf`; only the files are used. At this redshift and with this camera the image cannot enter the
inference (the model's bands are WFC3 below z = 0.02): it is read, calibrated and aligned, and the
offset of its WCS is reported.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from amortized_sfh.data.cubes.cube_data import CubeOptions
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.inference.infer import infer
from amortized_sfh.model.model_files import load_model
from amortized_sfh.products.map_figures import draw_maps
from amortized_sfh.products.observation_figures import draw_observation
from amortized_sfh.requests.infer import MasksRequest
from amortized_sfh.workflows.demos.package_data import package_folder
from amortized_sfh.workflows.infer_cube import InferenceOptions, infer_cube
from simulators.noise.profile import read_noise_profile
from simulators.observations.masks import mask_observation

REDSHIFT, TARGET_SNR, N_DRAWS, SEED = 0.0858, 25.0, 2000, 478
#: Galactic reddening towards the cluster (Schlafly & Finkbeiner 2011, ApJ 737, 103).
EBV = 0.45
#: The lines of the cooling-flow nebula are broad: the wings of H alpha and [N II] reach this far.
LINE_HALF_WIDTH_KMS = 1500.0
#: Measured from this cube.
NOISE_PROFILE = "muse-abell478"


def abell478_files() -> tuple[Path, Path]:
    """Find the cube and the image in an installed `mpdaf`, without importing it.

    Returns
    -------
    tuple of Path
        Cube and HST image.

    Raises
    ------
    FileNotFoundError
        If mpdaf is not installed or does not carry them.
    """
    what = "the MUSE cube and the HST image of Abell 478"
    folder = package_folder("mpdaf", "data", "sdetect", what=what)
    files = folder / "minicube.fits", folder / "a478hst-cutout.fits"
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: reinstall mpdaf (3.6 carries it)")
    return files


def abell478(out: Path, *, overwrite: bool = False, model_name: str = "phangs-bc03") -> None:
    """Infer the cube in bins of S/N 25, and draw the maps and the central bin.

    Parameters
    ----------
    out
        Folder for the products.
    overwrite
        If true, what an earlier run left is replaced.
    model_name
        Name or folder of the model to infer with.
    """
    cube, image = abell478_files()
    out.mkdir(parents=True, exist_ok=True)
    model = load_model(model_name)
    data = read_cube(
        cube,
        REDSHIFT,
        ebv=EBV,
        hst={"F814W": image},
        target_snr=TARGET_SNR,
        options=CubeOptions(
            grid=model.instrument.grid,
            align=True,
            noise_profile=read_noise_profile(NOISE_PROFILE),
            sky_modelled=model.generative.noise.n_sky > 0,
        ),
    )
    masks = MasksRequest(line_half_width_kms=LINE_HALF_WIDTH_KMS)
    options = InferenceOptions(
        n_draws=N_DRAWS, seed=SEED, masks=masks, command="amortized-sfh demo-real"
    )
    maps = infer_cube(model, data, options)
    maps.write(out / "maps.fits", overwrite=overwrite)
    draw_maps(maps, data, out / "maps.fits")
    # the brightest bin is the centre of the galaxy
    brightness = np.nanmean(np.where(data.observation.valid, data.observation.flux, np.nan), axis=1)
    centre = int(np.argmax(brightness / data.n_spaxels))
    bright = data.observation[centre].clean()
    observation = mask_observation(bright, model.instrument, LINE_HALF_WIDTH_KMS)
    samples = infer(model, observation, N_DRAWS, SEED)
    folder = out / "centre"
    folder.mkdir(exist_ok=True)
    draw_observation(model, observation, samples, folder, title="Abell 478, central bin")
