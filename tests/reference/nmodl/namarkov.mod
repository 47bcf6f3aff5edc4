TITLE Sodium channel of six states for tests

NEURON {
	SUFFIX namarkov
	USEION na READ ena WRITE ina
	RANGE gbar, a1, b1
}

UNITS {
	(mV) = (millivolt)
	(mA) = (milliamp)
	(S) = (siemens)
}

PARAMETER {
	gbar = 0.05 (S/cm2)
	al = 3 (/ms) : opening at 0 mV
	be = 0.2 (/ms)
	ka = 20 (mV)
	on = 0.8 (/ms)
	off = 0.01 (/ms)
	con = 0.004 (/ms)
}

ASSIGNED {
	v (mV)
	ena (mV)
	ina (mA/cm2)
	a1 (/ms)
	b1 (/ms)
	r
}

STATE { C1 C2 C3 O I1 I2 }

INITIAL {
	SOLVE scheme STEADYSTATE sparse
}

BREAKPOINT {
	SOLVE scheme METHOD sparse
	ina = gbar*O*(v - ena)
}

FUNCTION up(v (mV)) (/ms) {
	up = al*exp(v/ka)
}

KINETIC scheme {
	rates(v)
	~ C1 <-> C2 (2*up(v), b1)
	~ C2 <-> C3 (a1, 2*b1)
	~ C3 <-> O (a1, b1)
	~ O <-> I1 (on, off)
	~ C3 <-> I2 (con*r, off)
	~ I2 <-> I1 (a1, b1*con*r/on)
	CONSERVE C1 + C2 + C3 + O + I1 + I2 = 1
}

PROCEDURE rates(v (mV)) {
	a1 = up(v)
	b1 = be*exp(-v/ka)
	r = 1 + exp(v/(50 (mV)))
}
