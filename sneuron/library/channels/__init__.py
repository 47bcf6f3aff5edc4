"""Channels of the library, one file each."""
