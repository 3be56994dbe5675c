"""Trained models: what they consist of, and reading and writing them."""
