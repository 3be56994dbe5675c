"""A mock barred spiral galaxy: its structure, its history and the cube that it gives."""
