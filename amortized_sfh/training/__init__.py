"""Training of the networks: batches of mock spectra, the loop, its schedule and its checkpoints.

Batches come from an endless `stream`, which `prefetch` makes ahead in a second process, from a file
(`training_set`, whose contents `training_set_format` specifies), or, for a frozen encoder, from
spectra that were encoded once (`encoded_set`); the rows of both files are `stored_rows`. The `loop`
trains `joint_networks` on any of them by the `schedule` and writes a `loss_curve` and a
`checkpoint`.
"""
