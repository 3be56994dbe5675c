"""Presets of surveys, described in TOML files."""
