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
	tabled(v)
	n = ninf
}

BREAKPOINT {
	SOLVE advance
	gk = tadj*gbar*n
	ik = (1e-4) * gk * (v - ek)
}

LOCAL share

PROCEDURE advance() {
	tabled(v)
	n = n + share*(ninf-n)
	VERBATIM
	return 0;
	ENDVERBATIM
}

PROCEDURE tabled(v) { LOCAL minus
	TABLE ninf, share
	DEPEND dt, celsius, temp, Ra, Rb, tha, qa
	FROM vmin TO vmax WITH 199

	rates(v)
	tadj = q10^((celsius - temp)/10)
	minus = -dt * tadj
	share = 1 - exp(minus/ntau)
}

PROCEDURE rates(v) {
	a = slide(v, tha, Ra, qa)
	b = slide(-v, -tha, Rb, qa)
	ntau = 1/(a+b)
	ninf = a*ntau
}

FUNCTION slide(v, th, a, q) {
	if (fabs((v-th)/q) > 1e-6) {
		slide = a * (v - th) / (1 - exp(-(v - th)/q))
	} else {
		slide = a * q
	}
}
