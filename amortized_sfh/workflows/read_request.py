"""What the `infer` command reads: cube, bins, velocities and kinematics, as its options say."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from amortized_sfh.data.ancillary.dap_maps import DapMaps, read_dap_maps
from amortized_sfh.data.ancillary.ds9_regions import Ds9Regions, read_ds9_regions
from amortized_sfh.data.ancillary.gist_products import GistProducts, read_gist
from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cubes.cube_data import CubeData, CubeOptions
from amortized_sfh.data.cubes.gist_cube import gas_cleaned_data
from amortized_sfh.data.cubes.model_check import check_cube_for_model, select_model_bands
from amortized_sfh.data.cubes.read_cube import parse_window, read_cube
from amortized_sfh.data.hst.reader import HstImage
from amortized_sfh.inference.imposed_kinematics import ImposedKinematics
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.workflows.infer_cube import RunOptions
from amortized_sfh.workflows.prepare_cube import mask_cube
from amortized_sfh.workflows.two_pass import first_pass_velocity
from simulators.noise.profile import NoiseProfile, read_noise_profile
from simulators.observations.observation import check_redshift
from simulators.wavelengths.doppler import relative_velocity

__all__ = ["check_request", "map_kinematics", "read_request"]


Bins = str | Path | np.ndarray | Ds9Regions | None


def check_request(options: Namespace) -> None:
    """Find what is wrong with a request before the long part.

    Parameters
    ----------
    options
        Of `amortized-sfh infer`.

    Raises
    ------
    FileNotFoundError, ValueError
        If options do not go together, a file is missing, the redshift is absurd, or the noise
        profile cannot be used.
    """
    has_maps = options.dap is not None or options.gist is not None
    rules = {
        "--gas-cleaned needs --gist DIR with the run's spectra": options.gas_cleaned
        and options.gist is None,
        "the cube is missing; only --gist DIR --gas-cleaned goes without": options.cube is None
        and not options.gas_cleaned,
        f"--kinematics {options.kinematics} needs maps of v and sigma; give --dap or --gist": (
            options.kinematics != "free" and not has_maps
        ),
        "--dap and --gist bring their own velocities; leave out --velocity-map and --two-pass": (
            has_maps and (options.velocity_map is not None or options.two_pass)
        ),
        "--gas-cleaned takes whole bins of the run; leave out --region and --mask-regions": (
            options.gas_cleaned and bool(options.region or options.mask_regions)
        ),
        "--profile infers velocities with the rest; leave out --kinematics": (
            options.profile is not None and options.kinematics != "free"
        ),
        "--hst needs the cube, on whose grid the images are brought": options.cube is None
        and bool(options.hst),
    }
    broken = [rule for rule, is_broken in rules.items() if is_broken]
    if broken:
        raise ValueError("; ".join(broken))
    check_redshift(options.redshift)
    given = (options.cube, options.bins, options.aperture_regions, options.mask_regions)
    for path in (*given, options.dap):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"no such file: {path}")
    _noise_profile(options)


def read_request(
    options: Namespace, model: PosteriorModel, hst: dict[str, HstImage], run: RunOptions
) -> tuple[CubeData, RunOptions]:
    """Read what is to be inferred.

    Parameters
    ----------
    options
        Of `amortized-sfh infer`.
    model
        Its grid, and what measures velocities in a first pass.
    hst
        Band to image.
    run
        How it will be inferred.

    Returns
    -------
    data : CubeData
        Ready for inference.
    run : RunOptions
        The same with the kinematics that are to be imposed.
    """
    maps, gist = _read_products(options)
    bins: Bins = options.bins
    velocity: str | np.ndarray | None = options.velocity_map
    if options.aperture_regions is not None:
        bins = read_ds9_regions(options.aperture_regions)
    if maps is not None:
        bins, velocity = maps.bin_id, maps.velocity_kms
    instrument = model.instrument
    data = None
    if options.cube is not None:
        check_cube_for_model(options.cube, options.redshift, instrument, hst)
        request = _CubeRequest(options, model, hst, bins, velocity)
        data = request.read()
        if options.two_pass:
            known = select_model_bands(mask_cube(model, data, run), instrument)
            first = first_pass_velocity(model, known, run.seed)
            data = request.in_frames(data, first).read()
        if maps is not None:
            source = Path(maps.source).name
            data = replace(data, provenance=data.provenance | {"MAPS": source, "VELMAP": source})
    if gist is not None and options.gas_cleaned:
        data = gas_cleaned_data(gist, options.redshift, instrument, ebv=options.ebv, cube=data)
    if data is None:
        raise ValueError("the cube is missing; give its file")
    data = select_model_bands(data, instrument)
    if options.kinematics != "free" and maps is not None:
        kinematics = map_kinematics(maps, data, options.kinematics, _region(options))
        run = replace(run, kinematics=kinematics)
    return data, run


class _CubeRequest(NamedTuple):
    """How a cube is to be read."""

    options: Namespace
    model: PosteriorModel
    hst: dict[str, HstImage]
    bins: Bins
    velocity: str | np.ndarray | None
    target_snr_done: bool = False

    def read(self) -> CubeData:
        options = self.options
        data = read_cube(
            options.cube,
            options.redshift,
            ebv=options.ebv,
            window=_region(options),
            hst=self.hst,
            bins=self.bins,
            target_snr=None if self.target_snr_done else options.target_snr,
            options=CubeOptions(
                grid=self.model.instrument.grid,
                psf_fwhm_arcsec=options.psf_fwhm,
                align=options.align,
                velocity_map=self.velocity,
                mask_regions=options.mask_regions,
                noise_profile=_noise_profile(options),
                sky_modelled=self.model.generative.noise.n_sky > 0,
            ),
        )
        if options.two_pass and self.velocity is not None:
            return replace(data, provenance=data.provenance | {"VELMAP": "first pass"})
        return data

    def in_frames(self, data: CubeData, velocity_kms: np.ndarray) -> _CubeRequest:
        """The same rows in frames of their own, (ny, nx) of the region."""
        _, ny, nx = open_cube(self.options.cube).shape
        x0, x1, y0, y1 = _region(self.options) or (0, nx, 0, ny)
        frames = np.full((ny, nx), np.nan)
        frames[y0:y1, x0:x1] = velocity_kms
        if self.options.target_snr is None:
            return self._replace(velocity=frames)
        bins = np.full((ny, nx), -1)
        bins[y0:y1, x0:x1] = data.map_grid.paint(data.label, fill=-1)
        return self._replace(velocity=frames, bins=bins, target_snr_done=True)


def map_kinematics(
    maps: DapMaps, data: CubeData, mode: str, region: tuple[int, int, int, int] | None = None
) -> ImposedKinematics:
    """Kinematics of the rows of a cube from maps of them.

    Parameters
    ----------
    maps
        Of the whole cube.
    data
        The cube as read.
    mode
        "fixed" or "prior".
    region
        (x0, x1, y0, y1) of the cube that was read, if it was a part.

    Returns
    -------
    ImposedKinematics
        Means over the spaxels of each row, velocities in the frame of the row.

    Raises
    ------
    ValueError
        If the maps have another shape than the cube.
    """
    x0, x1, y0, y1 = region or (0, None, 0, None)
    names = ("velocity_kms", "velocity_error_kms", "sigma_kms", "sigma_error_kms")
    rows = {name: data.row_means(getattr(maps, name)[y0:y1, x0:x1]) for name in names}
    if data.frame_kms is not None:
        rows["velocity_kms"] = relative_velocity(rows["velocity_kms"], data.frame_kms)
    return ImposedKinematics(mode=mode, **{name: torch.from_numpy(v) for name, v in rows.items()})


def _noise_profile(options: Namespace) -> NoiseProfile | None:
    return read_noise_profile(options.noise_profile) if options.noise_profile else None


def _region(options: Namespace) -> tuple[int, int, int, int] | None:
    return parse_window(options.region) if options.region else None


def _read_products(options: Namespace) -> tuple[DapMaps | None, GistProducts | None]:
    if options.dap is not None:
        return read_dap_maps(options.dap), None
    if options.gist is not None:
        gist = read_gist(options.gist)
        return gist.maps, gist
    return None, None
