"""Requests for training sets and trainings, and for the generative model that they draw from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from amortized_sfh.requests.checks import DEFAULT_MODEL, Request, check_rules

#: The survey and the stellar library that are meant where none is named.
DEFAULT_PRESET, DEFAULT_LIBRARY = "phangs-muse-hst", "bc03-miles"


@dataclass(frozen=True, kw_only=True)
class GenerativeRequest(Request):
    """The survey, the stars, and the measured parts of the noise that are simulated.

    Parameters
    ----------
    preset
        Survey: the name of a preset, or a TOML file.
    library
        Stellar library: a name or a file, or two joined by "+".
    mismatch
        Template mismatch: a name, or a file of `amortized-sfh mismatch`.
    noise_profile
        Noise profile: a name, or a file of `amortized-sfh measure-noise`.
    like
        Name or folder of a model, from which all of this is taken instead.

    Raises
    ------
    ValueError
        If a model is named along with what it settles.
    """

    preset: str = DEFAULT_PRESET
    library: str = DEFAULT_LIBRARY
    mismatch: str | None = None
    noise_profile: str | None = None
    like: str | None = None

    def _check(self) -> None:
        if self.like is None:
            return
        for known in fields(self):
            if known.name != "like" and getattr(self, known.name) != known.default:
                option = f"--{known.name.replace('_', '-')}"
                raise ValueError(f"--like {self.like} settles {option}: leave one out")

    def model_name(self, preset_name: str) -> str:
        """Return the name of the model that is trained on this.

        Parameters
        ----------
        preset_name
            Name of the preset as its file states it.

        Returns
        -------
        str
            The name of the model that it is like, the default model's where preset and library are
            the default, else that of the preset.
        """
        if self.like is not None:
            return Path(self.like).name
        is_default = preset_name == DEFAULT_PRESET and self.library == DEFAULT_LIBRARY
        return DEFAULT_MODEL if is_default else preset_name


@dataclass(frozen=True, kw_only=True)
class SimulateRequest(Request):
    """A training set to be written.

    Parameters
    ----------
    out
        HDF5 file to write.
    generative
        Survey, stars and noise that are simulated.
    n
        Number of mock spectra.
    seed
        Source of randomness; the same seed gives the same file.
    device
        "auto" for a GPU where there is one, or a torch device such as "cpu" and "cuda".
    overwrite
        If true, an existing file is replaced.
    """

    out: Path
    generative: GenerativeRequest = field(default_factory=GenerativeRequest)
    n: int = 165_000
    seed: int = 0
    device: str = "auto"
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Request):
    """A training of a posterior and a point model, or the rest of one that was stopped.

    Parameters
    ----------
    out
        Folder of the training; one that exists goes on.
    generative
        Survey, stars and noise that are simulated.
    name
        Name of the posterior model; by default that of the model that it is like, or of the survey.
    n
        Number of spectra to see; as the preset says by default.
    start_from
        Folder of a training, or name or folder of a model, from which networks are taken over.
    freeze_encoder
        If true, the encoder that was taken over is kept: spectra are encoded once, and the flow and
        the point heads alone are trained.
    passes
        Times that every encoded spectrum is seen; needs `freeze_encoder`.
    data
        HDF5 file of a training set; spectra are streamed by default.
    prefetch
        If true, spectra are simulated in a second process, on the CPU.
    batch_size
        Number of spectra per step.
    learning_rate
        Largest learning rate of the schedule.
    seed
        Source of randomness of spectra and weights.
    device
        "auto" for a GPU where there is one, or a torch device such as "cpu" and "cuda".

    Raises
    ------
    ValueError
        If the options of a frozen encoder do not go together.
    """

    out: Path
    generative: GenerativeRequest = field(default_factory=GenerativeRequest)
    name: str | None = None
    n: int | None = None
    start_from: str | None = None
    freeze_encoder: bool = False
    passes: int = 1
    data: Path | None = None
    prefetch: bool = False
    batch_size: int = 256
    learning_rate: float = 1e-3
    seed: int = 1
    device: str = "auto"

    def _check(self) -> None:
        check_rules({
            "--freeze-encoder keeps the encoder of another training: add --start-from": (
                self.freeze_encoder and self.start_from is None
            ),
            "--freeze-encoder encodes a stream, as fast as it can: leave out --data and "
            "--prefetch": self.freeze_encoder and (self.data is not None or self.prefetch),
            "--passes sees encoded spectra again: add --freeze-encoder": (
                self.passes != 1 and not self.freeze_encoder
            ),
        })  # fmt: skip
