"""Other methods on the same data, with the same templates, to compare posteriors with.

`PPXFFitter` in `ppxf_fit` fits observations by pPXF (it needs the extra `ppxf`); `templates` makes
its templates of the populations that a model carries.
"""
