"""Networks of the library, one file each: populations and projections with their published values."""
