TITLE Calcium with a buffer for tests: a kinetic scheme that is no channel

NEURON {
	SUFFIX buffer
	USEION ca READ ica WRITE cai
	RANGE depth, total, kon, koff, pump
}

UNITS {
	(molar) = (1/liter)
	(mM) = (millimolar)
	(um) = (micron)
	(mA) = (milliamp)
	FARADAY = (faraday) (10000 coulomb)
}

PARAMETER {
	depth = 0.5 (um)
	total = 0.05 (mM)
	kon = 500 (/mM ms)
	koff = 0.5 (/ms)
	pump = 0.02 (/ms)
	rest = 5e-5 (mM)
}

ASSIGNED {
	ica (mA/cm2)
}

STATE {
	cai (mM)
	B (mM)
	CB (mM)
}

INITIAL {
	cai = rest
	B = total*koff/(koff + kon*rest)
	CB = total - B
}

BREAKPOINT {
	SOLVE kin METHOD sparse
}

KINETIC kin {
	COMPARTMENT depth {cai B CB}
	~ cai << (-ica/(2*FARADAY) - pump*depth*(cai - rest))
	~ cai + B <-> CB (kon*depth, koff*depth)
}
