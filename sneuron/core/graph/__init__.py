"""Graphs: who is connected to whom, how strongly, after what delay."""
