"""Rules by which synapses change, one family a file."""
