"""Modules of the packages hold examples, which are tests as well."""

from __future__ import annotations

import importlib.util

#: Not imported for their examples where the optional package that they need is missing.
collect_ignore = (
    [] if importlib.util.find_spec("ppxf") else ["amortized_sfh/comparison/ppxf_fit.py"]
)
