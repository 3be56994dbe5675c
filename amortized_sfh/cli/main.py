"""Command line: `amortized-sfh COMMAND`.

Errors are one clear sentence and an exit code, never a traceback.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Sequence

from amortized_sfh._version import __version__
from amortized_sfh.cli.demos import add_demos
from amortized_sfh.cli.infer import add_infer
from amortized_sfh.cli.infer_spectrum import add_infer_spectrum
from amortized_sfh.cli.measurements import add_measure_noise, add_mismatch
from amortized_sfh.cli.presets import add_presets
from amortized_sfh.cli.training import add_simulate, add_train

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
    """Return the parser with all commands."""
    parser = argparse.ArgumentParser(
        prog="amortized-sfh",
        description="Posteriors of star formation histories from MUSE and HST.",
        epilog="amortized-sfh COMMAND --help tells the options of a command, with an example.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        add_infer,
        add_infer_spectrum,
        add_measure_noise,
        add_simulate,
        add_train,
        add_mismatch,
        add_presets,
        add_demos,
    ):
        add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
