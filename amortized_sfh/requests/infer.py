"""The request for posterior maps of a cube, and the base that it shares with that of spectra."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from amortized_sfh.requests.checks import DEFAULT_MODEL, Request, check_rules
from simulators.constants import LINE_HALF_WIDTH_KMS

if TYPE_CHECKING:
    from amortized_sfh.data.cubes.disc import Orientation


@dataclass(frozen=True, kw_only=True)
class HstRequest(Request):
    """One HST image with what is known of it beyond its own header.

    Parameters
    ----------
    image
        FITS file of the drizzled image.
    weight
        FITS file of its weights: inverse variance, or exposure time in s.
    mask
        FITS file that is not 0 where a pixel of the image must not be used.
    sky
        Sky level to subtract, in the unit of the image; nothing is subtracted by default.
    sky_sigma
        Uncertainty of that level in the same unit; measured from the image by default.

    Raises
    ------
    ValueError
        If the sky level has an uncertainty but no value.
    """

    image: Path
    weight: Path | None = None
    mask: Path | None = None
    sky: float | None = None
    sky_sigma: float | None = None

    def _check(self) -> None:
        if self.sky is None and self.sky_sigma is not None:
            raise ValueError(f"sky_sigma is {self.sky_sigma} but there is no sky level; add sky")


@dataclass(frozen=True, kw_only=True)
class BinsRequest(Request):
    """The grouping of spaxels; each spaxel stands alone by default.

    Parameters
    ----------
    map
        FITS map of bin numbers.
    target_snr
        Signal-to-noise ratio per pixel that bins are built to reach.
    aperture_regions
        ds9 regions, each of which is co-added to one spectrum.
    dap
        MAPS file of the PHANGS-MUSE pipeline, whose bins and stellar velocities are taken.
    gist
        Folder of a run of GIST or nGIST, whose bins and stellar velocities are taken.
    gas_cleaned
        If true, the emission-line-subtracted spectra of that GIST run are inferred.

    Raises
    ------
    ValueError
        If there is more than one source of bins, or `gas_cleaned` without `gist`.
    """

    map: Path | None = None
    target_snr: float | None = None
    aperture_regions: Path | None = None
    dap: Path | None = None
    gist: Path | None = None
    gas_cleaned: bool = False

    def _check(self) -> None:
        sources = {
            "--bins": self.map,
            "--target-snr": self.target_snr,
            "--aperture-regions": self.aperture_regions,
            "--dap": self.dap,
            "--gist": self.gist,
        }
        given = [name for name, value in sources.items() if value is not None]
        check_rules({
            f"bins are chosen by {' and '.join(given)}; expected one of them": len(given) > 1,
            "--gas-cleaned needs --gist DIR with the run's spectra": self.gas_cleaned
            and self.gist is None,
        })  # fmt: skip

    @property
    def has_kinematics(self) -> bool:
        """True if stellar velocities and dispersions come with the bins."""
        return self.dap is not None or self.gist is not None


@dataclass(frozen=True, kw_only=True)
class MasksRequest(Request):
    """Pixels and spaxels that are left out.

    Parameters
    ----------
    line_half_width_kms
        Half width of the masks of emission lines in km/s; more for broad lines, never less than in
        training.
    lines_aa
        Rest-frame air wavelengths in Å of further lines to mask.
    regions
        ds9 regions, such as foreground stars, whose spaxels are flagged and left out.
    ao
        If true, the laser of the adaptive optics is masked, 5770-6010 Å; as the cube's header says
        by default.
    milky_way_sodium
        If true, the sodium doublet Na D of the Milky Way and of the sky is masked, in the observed
        frame.

    Raises
    ------
    ValueError
        If the masks of lines are narrower than those of the training.
    """

    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    lines_aa: tuple[float, ...] = ()
    regions: Path | None = None
    ao: bool | None = None
    milky_way_sodium: bool = True

    def _check(self) -> None:
        from simulators.observations.masks import check_line_width

        check_line_width(self.line_half_width_kms)


@dataclass(frozen=True, kw_only=True)
class VelocitiesRequest(Request):
    """The frames in which spaxels are read, and the kinematics that posteriors must keep to.

    Parameters
    ----------
    map
        Velocities of the spaxels in km/s relative to the redshift, ``FILE`` or ``FILE:EXTENSION``:
        each spaxel is read in its own rest frame.
    two_pass
        If true, these velocities are measured in a quick first pass.
    kinematics
        "free" infers velocity and dispersion, "fixed" sets them to those that come with the bins,
        "prior" takes those as a prior.

    Raises
    ------
    ValueError
        If velocities are given and also to be measured.
    """

    map: str | None = None
    two_pass: bool = False
    kinematics: Literal["free", "fixed", "prior"] = "free"

    def _check(self) -> None:
        if self.map is not None and self.two_pass:
            raise ValueError("--velocity-map and --two-pass exclude each other; leave one out")


@dataclass(frozen=True, kw_only=True)
class NoiseRequest(Request):
    """Noise beyond the error bars of the cube.

    Parameters
    ----------
    profile
        Noise beyond the error bars: a file of `amortized-sfh measure-noise`, or the name of a
        profile that the package carries.
    measure
        If true, error bars are enlarged to the scatter of the data around a first posterior.
    """

    profile: str | None = None
    measure: bool = False


@dataclass(frozen=True, kw_only=True)
class DiscRequest(Request):
    """The position of the galaxy's disc on the sky.

    Parameters
    ----------
    inclination_deg
        Inclination in degrees; 0 is face-on. Surface densities are those of the plane.
    position_angle_deg
        Position angle of the major axis in degrees, east of north.
    centre
        Pixels ``x,y`` of the map from 0, or a position on the sky with units such as
        ``170.0625d,12.9915d``; the centre of the light by default.

    Raises
    ------
    ValueError
        If an angle is out of range or the centre cannot be understood.
    """

    inclination_deg: float = 0.0
    position_angle_deg: float | None = None
    centre: str | None = None

    def _check(self) -> None:
        self.orientation()

    def orientation(self) -> Orientation:
        """Return the orientation of the disc, with its centre understood."""
        from amortized_sfh.data.cubes.disc import Orientation, parse_centre

        return Orientation(
            inclination_deg=self.inclination_deg,
            position_angle_deg=self.position_angle_deg,
            centre=None if self.centre is None else parse_centre(self.centre),
        )


@dataclass(frozen=True, kw_only=True)
class ProfileRequest(Request):
    """The radial profile beside the maps; there is none by default.

    Parameters
    ----------
    n_annuli
        Number of annuli in the plane of the disc; a table and a figure are written beside the maps.
    effective_radius_arcsec
        Effective radius in arcsec, for radii in units of it.

    Raises
    ------
    ValueError
        If there is less than one annulus, or an effective radius without annuli.
    """

    n_annuli: int | None = None
    effective_radius_arcsec: float | None = None

    def _check(self) -> None:
        if self.n_annuli is None and self.effective_radius_arcsec is not None:
            raise ValueError("--effective-radius is for profiles; add --profile N")
        if self.n_annuli is not None and self.n_annuli < 1:
            raise ValueError(f"--profile {self.n_annuli}: expected at least 1 annulus")


@dataclass(frozen=True, kw_only=True)
class PosteriorRequest(Request):
    """Choices that requests for posteriors share, be it of a cube or of single spectra.

    Parameters
    ----------
    ebv
        E(B-V) of the Milky Way in mag, on the scale of Schlafly & Finkbeiner (2011), which is
        removed from spectra and bands.
    distance_mpc
        Luminosity distance in Mpc, for masses; from the redshift by default.
    model
        Name of a model that the package carries, or the folder of one.
    draws
        Posterior draws per spectrum, spaxel or bin.
    seed
        Source of randomness; the same seed gives the same draws.
    device
        "auto" for a GPU where there is one, or a torch device such as "cpu" and "cuda".
    plots
        If true, figures are drawn beside the other products.
    overwrite
        If true, existing products are replaced.

    Raises
    ------
    ValueError
        If there are fewer than two draws.
    """

    ebv: float = 0.0
    distance_mpc: float | None = None
    model: str = DEFAULT_MODEL
    draws: int = 1000
    seed: int = 0
    device: str = "auto"
    plots: bool = True
    overwrite: bool = False

    def _check(self) -> None:
        if self.draws < 2:
            raise ValueError(f"{self.draws} draws were asked for; expected at least 2")


@dataclass(frozen=True, kw_only=True)
class InferRequest(PosteriorRequest):
    """Posterior maps of a cube: what is read, how it is inferred and what is written.

    The fields of :class:`PosteriorRequest` come before these.

    Parameters
    ----------
    cube
        FITS file of the cube; only the emission-line-subtracted spectra of a GIST run go without.
    out
        FITS file of maps to write; figures, profile and request take its name.
    redshift
        Redshift of the galaxy.
    region
        Part of the cube to infer, ``(x0, x1, y0, y1)`` in pixels from 0, ends excluded; the whole
        cube by default.
    hst
        Band name to HST image.
    psf_fwhm_arcsec
        FWHM of the cube's point spread function in arcsec; by default from its header or file
        name, else 0.8.
    align
        If true, the offsets of the HST images against the cube are corrected, not only measured.
    bins, masks, velocities, noise, disc, profile
        The choices of each kind, see their classes.
    save_draws
        File in which draws are kept, ArviZ netCDF (.nc) or HDF5 (.h5).
    spaxels
        Spaxels ``(x, y)`` of the whole cube, from 0, whose draws are kept; all by default.

    Raises
    ------
    ValueError
        If the request contradicts itself or a number is out of range.
    """

    cube: Path | None = None
    out: Path
    redshift: float
    region: tuple[int, int, int, int] | None = None
    hst: dict[str, HstRequest] = field(default_factory=dict)
    psf_fwhm_arcsec: float | None = None
    align: bool = False
    bins: BinsRequest = field(default_factory=BinsRequest)
    masks: MasksRequest = field(default_factory=MasksRequest)
    velocities: VelocitiesRequest = field(default_factory=VelocitiesRequest)
    noise: NoiseRequest = field(default_factory=NoiseRequest)
    disc: DiscRequest = field(default_factory=DiscRequest)
    profile: ProfileRequest = field(default_factory=ProfileRequest)
    save_draws: Path | None = None
    spaxels: tuple[tuple[int, int], ...] = ()

    def _check(self) -> None:
        from simulators.observations.observation import check_redshift

        check_redshift(self.redshift)
        super()._check()
        if self.spaxels and self.save_draws is None:
            spaxel = self.spaxels[0]
            raise ValueError(f"no file for the draws of spaxel {spaxel}; add --save-draws FILE.nc")
        velocities, bins, disc = self.velocities, self.bins, self.disc
        profile = self.profile.n_annuli is not None
        moved = velocities.map is not None or velocities.two_pass
        check_rules({
            "--profile of an inclined disc needs --position-angle": profile
            and disc.inclination_deg > 0.0 and disc.position_angle_deg is None,
            "--profile infers velocities with the rest; leave out --kinematics": profile
            and velocities.kinematics != "free",
            "the cube is missing; only --gist DIR --gas-cleaned goes without": self.cube is None
            and not bins.gas_cleaned,
            f"--kinematics {velocities.kinematics} needs maps of v and sigma; give --dap or --gist":
            velocities.kinematics != "free" and not bins.has_kinematics,
            "--dap and --gist bring their own velocities; leave out --velocity-map and --two-pass":
            bins.has_kinematics and moved,
            "--gas-cleaned takes whole bins of the run; leave out --region and --mask-regions":
            bins.gas_cleaned and (self.region is not None or self.masks.regions is not None),
            "--hst needs the cube, on whose grid the images are brought": self.cube is None
            and bool(self.hst),
        })  # fmt: skip
