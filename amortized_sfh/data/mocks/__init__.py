"""Mock galaxies written as the files that ESO and MAST would deliver, with their truth."""
