"""The `measure-noise` command: a cube in, its noise profile and a figure out."""

from __future__ import annotations

from argparse import Namespace

import numpy as np

from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cube_noise.measurement import (
    MeasureOptions,
    NoiseMeasurement,
    measure_noise,
)
from amortized_sfh.data.cubes.read_cube import cube_window, parse_window
from amortized_sfh.plotting.noise import plot_noise
from simulators.files.whole_files import check_output
from simulators.noise.profile import write_noise_profile
from simulators.observations.observation import check_redshift


def measure_noise_file(options: Namespace) -> list[str]:
    """Measure the cube that the command line names, and write its profile.

    Parameters
    ----------
    options
        Of `amortized-sfh measure-noise`.

    Returns
    -------
    list of str
        What was found, in words.

    Raises
    ------
    FileExistsError
        If an output exists and may not be replaced.
    ValueError
        If the cube or the region cannot be measured.
    """
    for path in filter(None, (options.out, options.plot)):
        check_output(path, options.overwrite)
    if not options.line_width > 0.0:
        raise ValueError(f"--line-width is {options.line_width:g} km/s; expected above 0")
    cube = open_cube(options.cube)
    window = cube_window(parse_window(options.region) if options.region else None, cube)
    chosen = MeasureOptions(
        redshift=None if options.redshift is None else check_redshift(options.redshift),
        line_half_width_kms=options.line_width,
        sky_fraction=options.sky_fraction,
    )
    measured = measure_noise(cube, window, options.name or options.out.stem, chosen)
    write_noise_profile(measured.profile, options.out)
    if options.plot is not None:
        profile, scatter, law = measured.profile, measured.scatter, measured.law
        wave = np.interp(scatter.pixel, np.arange(len(profile.wave_aa)), profile.wave_aa)
        plot_noise(
            profile,
            windows=(wave, scatter.scale),
            autocorrelation=scatter.autocorrelation,
            growth=(law.n_spaxels, law.excess),
            path=options.plot,
        )
    return [*describe(measured), f"written to {options.out}"]


def describe(measured: NoiseMeasurement) -> list[str]:
    """Say what was measured.

    Parameters
    ----------
    measured
        Of a cube.

    Returns
    -------
    list of str
        Lines of text.
    """
    profile, scatter, law = measured.profile, measured.scatter, measured.law
    lags = ", ".join(f"{rho:.3f}" for rho in scatter.autocorrelation[1:4])
    kept = ", ".join(f"{rho:.3f}" for rho in (*profile.autocorrelation, 0.0, 0.0, 0.0)[1:4])
    boxes = ", ".join(
        f"{excess:.2f} ({n})" for n, excess in zip(law.n_spaxels, law.excess, strict=True) if n > 1
    )
    lines = [
        f"{profile.name}: {profile.source}, S/N {measured.sky.snr:.1f} per pixel in the sky",
        f"scale against STAT: median {np.median(profile.scale):.3f}, "
        f"{profile.scale.min():.3f} to {profile.scale.max():.3f} along wavelength "
        f"({scatter.n_pairs} pairs of spaxels)",
        f"correlation at lags 1, 2, 3: {lags} (kernel of {len(profile.kernel)} taps: {kept})",
        f"growth of bins: 1 + {profile.growth:.2f} log10 N; measured {boxes} spaxels",
        f"modes of the sky: {len(profile.sky_modes)}; agreement of both halves "
        f"{', '.join(f'{c:.2f}' for c in measured.modes.agreement[:5])} "
        f"(believed from {measured.modes.threshold:.2f})",
    ]
    for i, mode in enumerate(profile.sky_modes, start=1):
        peaks = ", ".join(f"{profile.wave_aa[k]:.0f}" for k in np.argsort(-np.abs(mode))[:5])
        lines.append(
            f"mode {i}: rms {np.sqrt((mode**2).mean()):.3f}, largest {np.abs(mode).max():.2f} of "
            f"the noise of a sky spaxel, strongest near {peaks} Angstrom"
        )
    return lines
