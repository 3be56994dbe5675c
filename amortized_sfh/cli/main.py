"""Command line: `amortized-sfh COMMAND`.

Errors are one clear sentence and an exit code, never a traceback.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from amortized_sfh._version import __version__
from amortized_sfh.cli.dap import add_dap_options
from amortized_sfh.cli.disc import add_disc_options
from amortized_sfh.cli.hst import add_hst_options
from amortized_sfh.cli.kinematics import add_kinematics_options
from amortized_sfh.cli.masks import add_mask_options
from amortized_sfh.cli.mismatch import add_mismatch
from amortized_sfh.cli.nature import add_nature_options
from amortized_sfh.cli.noise import add_measure_noise, add_noise_options
from amortized_sfh.cli.presets import add_presets
from amortized_sfh.cli.spectrum_options import add_spectrum_options

#: Errors that are the user's to mend; anything else is a bug and shows its traceback.
_USER_ERRORS = (ValueError, OSError, ImportError, FloatingPointError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments
        Words after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0, 1 for an error, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(words)
    options.command_line = shlex.join(["amortized-sfh", *words])
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            options.run(options)
    except _USER_ERRORS as error:
        print(f"amortized-sfh: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("amortized-sfh: interrupted; nothing unfinished was left behind", file=sys.stderr)
        return 130
    return 0


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one line, without the place in the code that it comes from."""
    print(f"amortized-sfh: warning: {' '.join(str(message).split())}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = argparse.ArgumentParser(
        prog="amortized-sfh",
        description="Posteriors of star formation histories from MUSE and HST.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_infer(commands)
    _add_infer_spectrum(commands)
    add_measure_noise(commands)
    _add_simulate(commands)
    _add_train(commands)
    add_mismatch(commands)
    add_presets(commands)
    _add_demo(commands, "demo", "maps of a mock NGC 3627 with known truth", _run_demo)
    _add_demo(commands, "demo-real", "real data: Abell 478 and two SDSS spectra", _run_demo_real)
    return parser


def device_name(name: str) -> str:
    """The device that `auto` means here.

    Parameters
    ----------
    name
        "auto", or a torch device.

    Returns
    -------
    str
        A torch device.

    Raises
    ------
    ValueError
        If there is no such device here.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"--device {name} cannot be used here ({str(error).splitlines()[0]}): expected auto, "
            "cpu or, with an NVIDIA GPU and a torch that is built for it, cuda"
        ) from error
    return name


def _add_common(parser: argparse.ArgumentParser, needs_redshift: bool = True) -> None:
    """Options of every inference."""
    parser.add_argument("--redshift", type=float, required=needs_redshift)
    parser.add_argument("--ebv", type=float, default=0.0, help="Galactic E(B-V) in mag")
    parser.add_argument("--distance-mpc", type=float, help="luminosity distance, for masses")
    parser.add_argument("--model", default="phangs-bc03", help="name or folder (phangs-bc03)")
    parser.add_argument("--draws", type=int, default=1000, help="per spaxel (1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--line-width",
        type=float,
        default=400.0,
        help="half width of line masks, km/s (400, or more)",
    )
    parser.add_argument(
        "--measure-noise", action="store_true", help="enlarge errors to the scatter of the data"
    )


def _add_infer(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("infer", help="posterior maps of a MUSE cube")
    parser.add_argument("cube", type=Path, nargs="?", help="not with --gas-cleaned")
    _add_common(parser)
    add_hst_options(parser)
    add_disc_options(parser)
    grouping = parser.add_mutually_exclusive_group()
    grouping.add_argument("--bins", type=Path, help="FITS map of bin numbers")
    grouping.add_argument("--target-snr", type=float, help="bin to this S/N per pixel")
    add_dap_options(parser, grouping)
    add_mask_options(parser)
    add_kinematics_options(parser)
    parser.add_argument("--region", metavar="x0:x1,y0:y1")
    add_noise_options(parser)
    parser.add_argument("--save-draws", type=Path, metavar="FILE.nc|FILE.h5")
    parser.add_argument(
        "--spaxel", nargs="+", default=[], metavar="x,y", help="of the cube from 0, to save"
    )
    parser.add_argument("--no-plots", action="store_true")
    parser.set_defaults(run=_run_infer)


def _add_infer_spectrum(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("infer-spectrum", help="posterior of one spectrum")
    parser.add_argument("spectrum", type=Path)
    _add_common(parser, needs_redshift=False)
    add_spectrum_options(parser)
    parser.set_defaults(run=_run_infer_spectrum)


def _add_simulate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("simulate", help="write a training set")
    add_nature_options(parser)
    parser.add_argument("--n", type=int, default=165_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--overwrite", action="store_true")
    parser.set_defaults(run=_run_simulate)


def _add_train(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("train", help="train a posterior and a point model")
    add_nature_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder; an existing one goes on")
    parser.add_argument("--name", help="of the model (phangs-bc03, or that of another preset)")
    parser.add_argument("--n", type=int, help="spectra to see (as the preset says)")
    parser.add_argument(
        "--start-from", help="training (folder) or model (name or folder) to take networks from"
    )
    parser.add_argument(
        "--freeze-encoder",
        action="store_true",
        help="with --start-from: keep its encoder, encode the spectra once (latents.h5 in the "
        "folder, 0.6 kB each), and train flow and point heads alone",
    )
    parser.add_argument(
        "--passes", type=int, default=1, help="with --freeze-encoder: times to see every spectrum"
    )
    parser.add_argument("--data", type=Path, help="training set from `simulate`; else streamed")
    parser.add_argument(
        "--prefetch", action="store_true", help="simulate in a second process, on the CPU"
    )
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.set_defaults(run=_run_train)


def _add_demo(
    commands: argparse._SubParsersAction,
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], None],
) -> None:
    parser = commands.add_parser(name, help=text)
    parser.add_argument("--out", type=Path, default=Path("out") / name)
    parser.add_argument("--overwrite", action="store_true")
    parser.set_defaults(run=run)


def _run_infer(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.infer_files import infer_files

    infer_files(options, device_name(options.device))


def _run_infer_spectrum(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.infer_spectra import infer_spectrum_files

    infer_spectrum_files(options, device_name(options.device))


def _run_simulate(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.simulate import simulate

    simulate(options, device_name(options.device))


def _run_train(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.train import train_models

    train_models(options, device_name(options.device))


def _run_demo(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.demos.mock_galaxy import demo

    table = demo(options.out, overwrite=options.overwrite)
    print("\n".join(table.pformat(max_lines=-1, max_width=-1)))
    print(f"maps, pictures and this table are in {options.out}")


def _run_demo_real(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.demos.real_data import demo_real

    demo_real(options.out, overwrite=options.overwrite)


if __name__ == "__main__":
    sys.exit(main())
