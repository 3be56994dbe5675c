"""Real data that come with other packages: a MUSE cube (Abell 478) and two SDSS spectra."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from amortized_sfh.workflows.demos.abell478 import abell478
from amortized_sfh.workflows.demos.sdss_comparison import sdss_comparison


def demo_real(out: str | Path, *, overwrite: bool = False, model_name: str = "phangs-bc03") -> None:
    """Run the model on real data and write the products.

    Parameters
    ----------
    out : str or Path
        Folder; it receives `abell478` and `sdss`.
    overwrite : bool
        If true, what an earlier run left is replaced.
    model_name : str
        Name or folder of the model to infer with.

    Raises
    ------
    FileNotFoundError, ImportError
        If the data or the software of a part are missing; the other part is done all the same.
    FileExistsError
        If products exist and may not be replaced.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    parts: tuple[Callable[[], object], ...] = (
        lambda: abell478(out / "abell478", overwrite=overwrite, model_name=model_name),
        lambda: sdss_comparison(out / "sdss", model=model_name, overwrite=overwrite),
    )
    missing: list[Exception] = []
    for part in parts:
        try:
            part()
        except (FileNotFoundError, ImportError) as error:
            missing.append(error)
    if missing:
        raise missing[0]
