"""The command `infer`: posterior maps of a cube."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_inference_options, add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.cli.words import merge_bands, read_line_width, read_region, read_spaxels
from amortized_sfh.requests.infer import InferRequest

__all__ = ["add_infer"]

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
        commands, "infer", InferRequest, "posterior maps of a MUSE or MaNGA cube", _EXAMPLE
    )
    command.positional("cube", "CUBE")
    group = command.parser.add_argument_group("the cube")
    command.option(group, "--redshift", "redshift", "Z")
    command.option(group, "--ebv", "ebv", "MAG")
    command.option(group, "--region", "region", "x0:x1,y0:y1", reader=read_region)
    _add_hst(command)
    _add_bins(command)
    _add_masks(command)
    _add_velocities(command)
    _add_disc(command)
    group = add_inference_options(command)
    command.option(group, "--noise-profile", "noise.profile", "FILE|NAME")
    command.option(group, "--measure-noise", "noise.measure")
    group = command.parser.add_argument_group("products")
    command.option(group, "--out", "out", "MAPS.fits")
    command.option(group, "--save-draws", "save_draws", "FILE.nc|FILE.h5")
    command.option(group, "--spaxel", "spaxels", "x,y", reader=read_spaxels, nargs="+")
    command.option(group, "--no-plots", "plots", help="draw no figures beside the maps")
    add_run_options(command)

    def run(options: argparse.Namespace) -> None:
        request = command.request(options)
        from amortized_sfh.workflows.infer import run_infer

        run_infer(request, command=options.command_line)

    command.parser.set_defaults(run=run, parse=command.request)


def _add_hst(command: RequestParser) -> None:
    """Options of HST images."""
    group = command.parser.add_argument_group("HST images")
    for flag, text in _HST.items():
        form = "BAND=VALUE[,SIGMA]" if flag == "--hst-sky" else "BAND=FILE"
        command.option(
            group, flag, "hst", form, reader=merge_bands, help=text, nargs="+",
            type=lambda word, flag=flag: (flag, word), action="extend",
        )  # fmt: skip
    command.option(group, "--psf-fwhm", "psf_fwhm_arcsec", "ARCSEC")
    command.option(group, "--align", "align")


def _add_bins(command: RequestParser) -> None:
    """Options that group spaxels."""
    group = command.parser.add_argument_group("bins (each spaxel on its own by default)")
    either = group.add_mutually_exclusive_group()
    command.option(either, "--bins", "bins.map", "BINS.fits")
    command.option(either, "--target-snr", "bins.target_snr", "SNR")
    command.option(either, "--aperture-regions", "bins.aperture_regions", "AP.reg")
    command.option(either, "--dap", "bins.dap", "MAPS.fits")
    command.option(either, "--gist", "bins.gist", "FOLDER")
    command.option(group, "--gas-cleaned", "bins.gas_cleaned")


def _add_masks(command: RequestParser) -> None:
    """Options that say which pixels and spaxels are left out."""
    group = command.parser.add_argument_group("masks")
    command.option(
        group,
        "--line-width",
        "masks.line_half_width_kms",
        "KMS",
        reader=read_line_width,
        type=float,
    )
    command.option(group, "--mask-lines", "masks.lines_aa", "AA")
    command.option(group, "--mask-regions", "masks.regions", "STARS.reg")
    command.option(group, "--ao", "masks.ao")
    command.option(group, "--milky-way-sodium", "masks.milky_way_sodium")


def _add_velocities(command: RequestParser) -> None:
    """Options of the frames in which spaxels are read, and of kinematics."""
    group = command.parser.add_argument_group("velocities")
    either = group.add_mutually_exclusive_group()
    command.option(either, "--velocity-map", "velocities.map", "FILE[:EXT]")
    command.option(either, "--two-pass", "velocities.two_pass")
    command.option(group, "--kinematics", "velocities.kinematics")


def _add_disc(command: RequestParser) -> None:
    """Options that say how the disc lies on the sky, and ask for its radial profile."""
    group = command.parser.add_argument_group("the disc on the sky, and its radial profile")
    command.option(group, "--inclination", "disc.inclination_deg", "DEG")
    command.option(group, "--position-angle", "disc.position_angle_deg", "DEG")
    command.option(group, "--centre", "disc.centre", "x,y|RA,DEC")
    command.option(group, "--profile", "profile.n_annuli", "N")
    command.option(group, "--effective-radius", "profile.effective_radius_arcsec", "ARCSEC")
