"""Other methods on the same data, with the same templates."""
