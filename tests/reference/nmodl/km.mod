TITLE Slow potassium channel for tests, with a step written by hand

NEURON {
	SUFFIX kslow
	USEION k READ ek WRITE ik
	RANGE n, gk, gbar, ninf, ntau
	GLOBAL Ra, Rb, q10, temp, tadj, vmin, vmax
}

UNITS {
	(mA) = (milliamp)
	(mV) = (millivolt)
	(pS) = (picosiemens)
	(um) = (micron)
}

PARAMETER {
	gbar = 10 (pS/um2) : 0.001 S/cm2
	tha = -30 (mV) : half opening
	qa = 9 (mV) : slope
	Ra = 0.001 (/ms) : opening
	Rb = 0.002 (/ms) : closing
	dt (ms)
	celsius (degC)
	temp = 23 (degC)
	q10 = 2.3
	vmin = -120 (mV)
	vmax = 100 (mV)
}

ASSIGNED {
	v (mV)
	a (/ms)
	b (/ms)
	ik (mA/cm2)
	gk (pS/um2)
	ek (mV)
	ninf
	ntau (ms)
	tadj
}

STATE { n }

INITIAL {
	trates(v)
	n = ninf
}

BREAKPOINT {
	SOLVE states
	gk = tadj*gbar*n
	ik = (1e-4) * gk * (v - ek)
}

LOCAL nexp

PROCEDURE states() {
	trates(v)
	n = n + nexp*(ninf-n)
	VERBATIM
	return 0;
	ENDVERBATIM
}

PROCEDURE trates(v) { LOCAL tinc
	TABLE ninf, nexp
	DEPEND dt, celsius, temp, Ra, Rb, tha, qa
	FROM vmin TO vmax WITH 199

	rates(v)
	tadj = q10^((celsius - temp)/10)
	tinc = -dt * tadj
	nexp = 1 - exp(tinc/ntau)
}

PROCEDURE rates(v) {
	a = trap0(v, tha, Ra, qa)
	b = trap0(-v, -tha, Rb, qa)
	ntau = 1/(a+b)
	ninf = a*ntau
}

FUNCTION trap0(v, th, a, q) {
	if (fabs((v-th)/q) > 1e-6) {
		trap0 = a * (v - th) / (1 - exp(-(v - th)/q))
	} else {
		trap0 = a * q
	}
}
