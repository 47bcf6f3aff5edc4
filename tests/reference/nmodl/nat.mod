TITLE Fast sodium channel for tests, in the style of cortical models

: Rates are 0/0 at -38 and -66 mV; the file steps aside there.

NEURON {
	SUFFIX nat
	USEION na READ ena WRITE ina
	RANGE gbar, g, ina
}

UNITS {
	(S) = (siemens)
	(mV) = (millivolt)
	(mA) = (milliamp)
}

PARAMETER {
	gbar = 0.08 (S/cm2)  : maximal conductance
}

ASSIGNED {
	v (mV)
	ena (mV)
	ina (mA/cm2)
	g (S/cm2)
	mInf
	mTau (ms)
	mAlpha
	mBeta
	hInf
	hTau (ms)
	hAlpha
	hBeta
}

STATE { m h }

BREAKPOINT {
	SOLVE states METHOD cnexp
	g = gbar*m*m*m*h
	ina = g*(v-ena)
}

DERIVATIVE states {
	rates()
	m' = (mInf-m)/mTau
	h' = (hInf-h)/hTau
}

INITIAL {
	rates()
	m = mInf
	h = hInf
}

PROCEDURE rates() {
	LOCAL qt
	qt = 2.1^((34-22)/10)
	UNITSOFF
	if (v == -38) {
		v = v + 0.0001
	}
	mAlpha = (0.17 * (v- -38))/(1-(exp(-(v- -38)/6.5)))
	mBeta = (0.12 * (-v -38))/(1-(exp(-(-v -38)/6.5)))
	mTau = (1/(mAlpha + mBeta))/qt
	mInf = mAlpha/(mAlpha + mBeta)
	if (v == -66) {
		v = v + 0.0001
	}
	hAlpha = (-0.014 * (v- -66))/(1-(exp((v- -66)/6)))
	hBeta = (-0.014 * (-v -66))/(1-(exp((-v -66)/6)))
	hTau = (1/(hAlpha + hBeta))/qt
	hInf = hAlpha/(hAlpha + hBeta)
	UNITSON
}
