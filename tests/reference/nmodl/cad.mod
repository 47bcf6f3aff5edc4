TITLE Calcium under the membrane for tests

NEURON {
	SUFFIX cadt
	USEION ca READ ica, cai WRITE cai
	RANGE ca, depth, cainf, taur
}

UNITS {
	(molar) = (1/liter)
	(mM) = (millimolar)
	(um) = (micron)
	(mA) = (milliamp)
	(msM) = (ms mM)
	FARADAY = (faraday) (coulomb)
}

PARAMETER {
	depth = .2 (um) : of the shell
	taur = 40 (ms) : rate of removal
	cainf = 100e-6 (mM)
	cai (mM)
}

STATE {
	ca (mM) <1e-8>
}

INITIAL {
	ca = cainf
	cai = ca
}

ASSIGNED {
	ica (mA/cm2)
	drive (mM/ms)
}

BREAKPOINT {
	SOLVE shell METHOD derivimplicit
}

DERIVATIVE shell {
	drive = - (10000) * ica / (2 * FARADAY * depth)
	if (drive <= 0.) { drive = 0. } : cannot pump inward
	ca' = drive + (cainf-ca)/taur
	cai = ca
}
