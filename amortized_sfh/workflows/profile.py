"""The radial profile that `infer --profile` writes beside its maps."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from astropy.table import Table

from amortized_sfh.aggregation.radial_profile import ProfileOptions, radial_profile
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.disc import Orientation
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.plotting import plot_profile
from simulators.files.whole_files import check_output, whole_file


def read_profile_options(options: Namespace, orientation: Orientation) -> ProfileOptions | None:
    """Choices of the profile that the command line asks for.

    Parameters
    ----------
    options
        Of `amortized-sfh infer`.
    orientation
        Of the disc.

    Returns
    -------
    ProfileOptions or None
        None where no profile was asked for.

    Raises
    ------
    FileExistsError
        If its file exists and may not be replaced.
    ValueError
        If a number makes no sense, an inclined disc has no position angle, or an effective radius
        was given without a profile.
    """
    if options.profile is None:
        if options.effective_radius is not None:
            raise ValueError("--effective-radius is for profiles; add --profile N")
        return None
    if options.profile < 1:
        raise ValueError(f"--profile {options.profile}: expected at least 1 annulus")
    if orientation.inclination_deg > 0.0 and orientation.position_angle_deg is None:
        raise ValueError("--profile of an inclined disc needs --position-angle")
    check_output(profile_path(options.out), options.overwrite)
    return ProfileOptions(
        n_annuli=options.profile,
        orientation=orientation,
        distance_mpc=options.distance_mpc,
        effective_radius_arcsec=options.effective_radius,
        seed=options.seed,
    )


def profile_path(out: Path) -> Path:
    """File of the profile beside a file of maps.

    Parameters
    ----------
    out
        File of maps.

    Returns
    -------
    Path
        The same name with `_profile.ecsv`.
    """
    return out.with_name(f"{out.stem}_profile.ecsv")


def write_profile(
    model: PosteriorModel, data: CubeData, out: Path, options: ProfileOptions, *, picture: bool
) -> Table:
    """Infer and write a radial profile.

    Parameters
    ----------
    model
        Trained model.
    data
        The cube as it was inferred.
    out
        File of maps whose name table and picture take.
    options
        Of the profile.
    picture
        Whether to draw it, too.

    Returns
    -------
    Table
        The profile.
    """
    table = radial_profile(model, data, options)
    path = profile_path(out)
    with whole_file(path) as partial:
        table.write(partial, format="ascii.ecsv", overwrite=True)
    if picture:
        plot_profile(table, path=path.with_suffix(".png"))
    return table
