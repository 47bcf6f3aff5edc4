"""Neurons of the library, one file each."""
