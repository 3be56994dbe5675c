"""Measured numbers: recovery beside pPXF, coverage, throughput and memory."""
