"""The one place where the package version is written; the build reads it from here."""

__version__ = "0.1.0"
