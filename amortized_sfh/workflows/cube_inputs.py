"""The files that a request for maps names, each opened in this place and read once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from amortized_sfh.data.ancillary.dap_maps import DapMaps, read_dap_maps
from amortized_sfh.data.ancillary.ds9_regions import read_ds9_regions
from amortized_sfh.data.ancillary.gist_products import GistProducts, read_gist
from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cubes.cube_data import CubeData, CubeOptions
from amortized_sfh.data.cubes.gist_cube import gas_cleaned_data
from amortized_sfh.data.cubes.model_check import check_cube_for_model, select_model_bands
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.data.hst.image import HstImage
from amortized_sfh.data.hst.read_image import read_hst_image
from amortized_sfh.inference.imposed_kinematics import ImposedKinematics
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.requests.infer import InferRequest
from amortized_sfh.workflows.prepare_cube import first_pass_velocity, mask_spectra
from simulators.noise.profile import NoiseProfile, read_noise_profile
from simulators.observations.observation import Observation
from simulators.wavelengths.doppler import relative_velocity


@dataclass(frozen=True, kw_only=True)
class CubeInputs:
    """Everything but the cube itself that a request names, as read.

    Parameters
    ----------
    hst
        Band name to HST image.
    noise_profile
        Noise beyond the error bars.
    gist
        Products of a run of GIST or nGIST.
    maps
        Bins and stellar kinematics of another pipeline.
    """

    hst: dict[str, HstImage] = field(default_factory=dict)
    noise_profile: NoiseProfile | None = None
    gist: GistProducts | None = None
    maps: DapMaps | None = None


def open_inputs(request: InferRequest) -> CubeInputs:
    """Check that all files of a request are there, and read those that need no model.

    Parameters
    ----------
    request
        Request for maps, whose files are looked for.

    Returns
    -------
    CubeInputs
        HST images, noise profile and products of other pipelines as read.

    Raises
    ------
    FileNotFoundError, InputFileError
        If a file is missing or cannot be used.
    """
    bins = request.bins
    for path in (request.cube, bins.map, bins.aperture_regions, request.masks.regions, bins.dap):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"no such file: {path}")
    name = request.noise.profile
    profile = None if name is None else read_noise_profile(name)
    hst = {}
    for band, given in request.hst.items():
        sky = None if given.sky is None else (given.sky, given.sky_sigma)
        image = read_hst_image(given.image, band, weight=given.weight, mask=given.mask, sky=sky)
        hst[band] = image
    gist = None if bins.gist is None else read_gist(bins.gist)
    maps = None if bins.dap is None else read_dap_maps(bins.dap)
    return CubeInputs(
        hst=hst, noise_profile=profile, gist=gist, maps=maps if gist is None else gist.maps
    )


def read_inputs(
    request: InferRequest, inputs: CubeInputs, model: PosteriorModel
) -> tuple[CubeData, ImposedKinematics | None]:
    """Read the cube as a request and a model ask for it.

    Parameters
    ----------
    request
        Request for maps of a cube.
    inputs
        The other files of that request, see `open_inputs`.
    model
        Trained model: its grid, and what measures velocities in a first pass.

    Returns
    -------
    data : CubeData
        One row per spaxel or bin, with the bands of the model.
    kinematics : ImposedKinematics or None
        Kinematics that the posteriors must keep to; None where they are inferred.

    Raises
    ------
    FileNotFoundError, InputFileError
        If the cube cannot be used.
    ValueError
        If the cube is not of the kind that the model was made for, or maps have another shape.
    """
    maps, gist = inputs.maps, inputs.gist
    data = None if request.cube is None else _read_cube(request.cube, request, inputs, model)
    if gist is not None and request.bins.gas_cleaned:
        data = gas_cleaned_data(
            gist, request.redshift, model.instrument, ebv=request.ebv, cube=data
        )
    if data is None:
        raise ValueError("the cube is missing; give its file")
    data = select_model_bands(data, model.instrument)
    mode = request.velocities.kinematics
    if mode == "free" or maps is None:
        return data, None
    return data, _map_kinematics(maps, data, mode, request.region)


def _map_kinematics(
    maps: DapMaps, data: CubeData, mode: str, window: tuple[int, int, int, int] | None = None
) -> ImposedKinematics:
    """Return the kinematics of the rows of a cube from maps of them.

    Parameters
    ----------
    maps
        Maps of the whole cube.
    data
        The cube as read.
    mode
        "fixed" to set velocities and dispersions, "prior" to take them as a prior.
    window
        Part of the cube that was read, ``(x0, x1, y0, y1)``; the whole by default.

    Returns
    -------
    ImposedKinematics
        Means over the spaxels of each row, velocities in the frame of the row.

    Raises
    ------
    ValueError
        If the maps have another shape than the cube.
    """
    x0, x1, y0, y1 = window or (0, None, 0, None)
    names = ("velocity_kms", "velocity_error_kms", "sigma_kms", "sigma_error_kms")
    rows = {name: data.row_means(getattr(maps, name)[y0:y1, x0:x1]) for name in names}
    if data.frame_kms is not None:
        rows["velocity_kms"] = relative_velocity(rows["velocity_kms"], data.frame_kms)
    tensors = {name: torch.from_numpy(value) for name, value in rows.items()}
    return ImposedKinematics(mode=mode, **tensors)


def _read_cube(
    path: Path, request: InferRequest, inputs: CubeInputs, model: PosteriorModel
) -> CubeData:
    """Read the cube of a request, with its images, in the bins and frames that it asks for."""
    bins, maps, cube = request.bins, inputs.maps, open_cube(path)
    check_cube_for_model(cube, request.redshift, model.instrument, inputs.hst)

    def measure_velocity(observation: Observation) -> np.ndarray:
        ao = cube.ao if request.masks.ao is None else request.masks.ao
        known = observation.in_bands(model.instrument.bands)
        masked = mask_spectra(model, known, request.masks, ao)
        return first_pass_velocity(model, masked, request.seed)

    regions = bins.aperture_regions
    chosen = bins.map or (regions and read_ds9_regions(regions)) if maps is None else maps.bin_id
    data = read_cube(
        cube,
        request.redshift,
        ebv=request.ebv,
        window=request.region,
        hst=inputs.hst,
        bins=chosen,
        target_snr=bins.target_snr,
        options=CubeOptions(
            grid=model.instrument.grid,
            psf_fwhm_arcsec=request.psf_fwhm_arcsec,
            align=request.align,
            velocity_map=request.velocities.map if maps is None else maps.velocity_kms,
            measure_velocity=measure_velocity if request.velocities.two_pass else None,
            mask_regions=request.masks.regions,
            noise_profile=inputs.noise_profile,
            sky_modelled=model.generative.noise.n_sky > 0,
        ),
    )
    if maps is None:
        return data
    source = Path(maps.source).name
    return replace(data, provenance=data.provenance | {"MAPS": source, "VELMAP": source})
