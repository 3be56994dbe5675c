"""What all readers of FITS files share: opening, extensions and units of flux."""
