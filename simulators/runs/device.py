"""The device that a run computes on: what a word such as "auto" stands for on this machine."""

from __future__ import annotations

import torch


def choose_device(name: str) -> str:
    """Return the torch device of a name.

    Parameters
    ----------
    name
        "auto" for a GPU where there is one and the CPU otherwise, or a torch device.

    Returns
    -------
    str
        A torch device that can be used here.

    Raises
    ------
    ValueError
        If there is no such device here.

    Examples
    --------
    >>> choose_device("cpu")
    'cpu'
    """
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
