"""Stimuli of the library, one file each."""
