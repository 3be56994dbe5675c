"""Workflows: what each request does, from files to products, callable from Python."""
