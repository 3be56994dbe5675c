"""The command `infer`: posterior maps of a cube."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_inference_options, add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.cli.words import merge_bands, read_line_width, read_region, read_spaxels
from amortized_sfh.requests.infer import InferRequest

_EXAMPLE = (
    "NGC3627.fits --redshift 0.00243 --hst F275W=f275w.fits F555W=f555w.fits --target-snr 40 "
    "--out maps.fits"
)
#: What is said of the options of HST images, which state several fields of one table.
_HST = {
    "--hst": "drizzled images of bands, FITS; any of the bands may be missing",
    "--hst-weight": "weight maps of the images: inverse variance, or exposure time in s",
    "--hst-mask": "masks of the images, not 0 where a pixel must not be used",
    "--hst-sky": "sky levels to subtract and their uncertainties, in the unit of the image",
}


def add_infer(commands: argparse._SubParsersAction) -> None:
    """Add the command.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    command = RequestParser.add(
        commands, "infer", InferRequest, _run, "posterior maps of a MUSE or MaNGA cube", _EXAMPLE
    )
    command.positional("cube", "CUBE")
    group = command.group("the cube", "--redshift Z", "--ebv MAG")
    command.option(group, "--region x0:x1,y0:y1", reader=read_region)
    _add_data_options(command)
    group = command.group("velocities")
    either = group.add_mutually_exclusive_group()
    command.option(either, "--velocity-map FILE[:EXT]", "velocities.map")
    command.option(either, "--two-pass", "velocities.two_pass")
    command.option(group, "--kinematics", "velocities.kinematics")
    group = command.group("the disc on the sky, and its radial profile")
    command.option(group, "--inclination DEG", "disc.inclination_deg")
    command.option(group, "--position-angle DEG", "disc.position_angle_deg")
    command.option(group, "--centre x,y|RA,DEC", "disc.centre")
    command.option(group, "--profile N", "profile.n_annuli")
    command.option(group, "--effective-radius ARCSEC", "profile.effective_radius_arcsec")
    group = add_inference_options(command)
    command.option(group, "--noise-profile FILE|NAME", "noise.profile")
    command.option(group, "--measure-noise", "noise.measure")
    group = command.group("products", "--out MAPS.fits", "--save-draws FILE.nc|FILE.h5")
    command.option(group, "--spaxel x,y", "spaxels", reader=read_spaxels, nargs="+")
    command.option(group, "--no-plots", "plots", help="draw no figures beside the maps")
    add_run_options(command)


def _run(request: InferRequest, command_line: str) -> None:
    from amortized_sfh.workflows.infer import run_infer

    run_infer(request, command=command_line)


def _add_data_options(command: RequestParser) -> None:
    """Options of HST images, of the bins of spaxels, and of what is left out."""
    group = command.group("HST images")
    for flag, text in _HST.items():
        form = "BAND=VALUE[,SIGMA]" if flag == "--hst-sky" else "BAND=FILE"
        command.option(
            group, f"{flag} {form}", "hst", reader=merge_bands, help=text, nargs="+",
            type=lambda word, flag=flag: (flag, word), action="extend",
        )  # fmt: skip
    command.option(group, "--psf-fwhm ARCSEC", "psf_fwhm_arcsec")
    command.option(group, "--align")
    group = command.group("bins (each spaxel on its own by default)")
    either = group.add_mutually_exclusive_group()
    command.option(either, "--bins BINS.fits", "bins.map")
    command.option(either, "--target-snr SNR", "bins.target_snr")
    command.option(either, "--aperture-regions AP.reg", "bins.aperture_regions")
    command.option(either, "--dap MAPS.fits", "bins.dap")
    command.option(either, "--gist FOLDER", "bins.gist")
    command.option(group, "--gas-cleaned", "bins.gas_cleaned")
    group = command.group("masks")
    width = "masks.line_half_width_kms"
    command.option(group, "--line-width KMS", width, reader=read_line_width, type=float)
    command.option(group, "--mask-lines AA", "masks.lines_aa")
    command.option(group, "--mask-regions STARS.reg", "masks.regions")
    command.option(group, "--ao", "masks.ao")
    command.option(group, "--milky-way-sodium", "masks.milky_way_sodium")
