"""NMODL, NEURON's language of mechanisms, read into descriptions of ours."""
