TITLE Calcium-dependent potassium channel for tests

NEURON {
	SUFFIX kcat
	USEION k READ ek WRITE ik
	USEION ca READ cai
	RANGE gbar, zinf, ztau
}

UNITS {
	(mV) = (millivolt)
	(mA) = (milliamp)
	(mM) = (milli/liter)
}

PARAMETER {
	v (mV)
	gbar = .004 (mho/cm2)
	kd = 0.0005 (mM) : half opening
	ztau = 2 (ms)
	ek (mV)
	cai (mM)
}

ASSIGNED {
	zinf
	ik (mA/cm2)
}

STATE { z FROM 0 TO 1 }

BREAKPOINT {
	SOLVE states METHOD cnexp
	ik = gbar * z * (v - ek)
}

DERIVATIVE states {
	rates(cai)
	z' = (zinf - z) / ztau
}

PROCEDURE rates(ca (mM)) {
	if (ca < 1e-7) {
		ca = ca + 1e-07
	}
	zinf = 1/(1 + (kd / ca)^4.8)
}

INITIAL {
	rates(cai)
	z = zinf
}
