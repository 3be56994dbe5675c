"""Reading and writing of files that is common to all packages."""
