"""Runs on data that the package or its dependencies carry: a mock galaxy and real data."""
