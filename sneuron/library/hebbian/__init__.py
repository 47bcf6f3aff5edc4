"""Rules by which weights follow rates, one file each."""
