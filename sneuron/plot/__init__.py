"""Figures: traces, rasters and maps; each takes `ax=`, returns Axes, and never shows or restyles anything."""
