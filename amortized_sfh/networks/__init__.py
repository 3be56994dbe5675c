"""Neural networks: encoder, flow with its fixed first layers, and point heads."""
