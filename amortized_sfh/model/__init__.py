"""Trained models: what they consist of, and reading and writing them.

`model` holds the posterior model and the point model, each of them networks with the model of the
data that they learned. `model_files` writes them, reads them, and lists those that the package
carries in `pretrained/`.
"""
