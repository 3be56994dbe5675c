"""The workflow of `amortized-sfh measure-noise`: a cube in, its noise profile and a figure out."""

from __future__ import annotations

import numpy as np

from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cube_noise.measurement import (
    MeasureOptions,
    NoiseMeasurement,
    measure_noise,
)
from amortized_sfh.data.cubes.read_cube import cube_window
from amortized_sfh.plotting.noise import plot_noise
from amortized_sfh.requests.measurements import MeasureNoiseRequest
from simulators.files.whole_files import check_output
from simulators.noise.profile import write_noise_profile


def run_measure_noise(request: MeasureNoiseRequest) -> list[str]:
    """Measure the noise of a cube and write its profile.

    Parameters
    ----------
    request
        Request for the noise profile of a cube.

    Returns
    -------
    list of str
        Lines of text on what was found.

    Raises
    ------
    FileExistsError
        If an output exists and may not be replaced.
    FileNotFoundError, InputFileError
        If the cube is missing or cannot be used.
    ValueError
        If the cube or its part cannot be measured.
    """
    for path in filter(None, (request.out, request.plot)):
        check_output(path, request.overwrite)
    cube = open_cube(request.cube)
    window = cube_window(request.region, cube)
    chosen = MeasureOptions(
        redshift=request.redshift,
        line_half_width_kms=request.line_half_width_kms,
        sky_fraction=request.sky_fraction,
    )
    measured = measure_noise(cube, window, request.name or request.out.stem, chosen)
    write_noise_profile(measured.profile, request.out)
    if request.plot is not None:
        profile, scatter, law = measured.profile, measured.scatter, measured.growth
        wave = np.interp(scatter.pixel, np.arange(len(profile.wave_aa)), profile.wave_aa)
        plot_noise(
            profile,
            windows=(wave, scatter.scale),
            autocorrelation=scatter.autocorrelation,
            growth=(law.n_spaxels, law.excess),
            path=request.plot,
        )
    return [*describe_measurement(measured), f"written to {request.out}"]


def describe_measurement(measured: NoiseMeasurement) -> list[str]:
    """Describe the noise of a cube in words.

    Parameters
    ----------
    measured
        Noise of a cube as measured.

    Returns
    -------
    list of str
        Lines of text: scale, correlation, growth of bins, and modes of the sky.
    """
    profile, scatter, law = measured.profile, measured.scatter, measured.growth
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
