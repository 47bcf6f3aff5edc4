TITLE Squid axon for tests: three currents in one file, rates in tables

NEURON {
	SUFFIX hhall
	USEION na READ ena WRITE ina
	USEION k READ ek WRITE ik
	NONSPECIFIC_CURRENT il
	RANGE gnabar, gkbar, gl, el, gna
	THREADSAFE
}

UNITS {
	(mA) = (milliamp)
	(mV) = (millivolt)
	(S) = (siemens)
}

PARAMETER {
	gnabar = .12 (S/cm2) <0,1e9>
	gkbar = .036 (S/cm2) <0,1e9>
	gl = .0003 (S/cm2) <0,1e9>
	el = -54.3 (mV)
}

STATE { m h n }

ASSIGNED {
	v (mV)
	celsius (degC)
	ena (mV)
	ek (mV)
	gna (S/cm2)
	ina (mA/cm2)
	ik (mA/cm2)
	il (mA/cm2)
	mss hss nss
	mt (ms) ht (ms) nt (ms)
}

INITIAL {
	look_up(v)
	m = mss
	h = hss
	n = nss
}

BREAKPOINT {
	SOLVE gates METHOD cnexp
	gna = gnabar*m^3*h
	ina = gna*(v - ena)
	ik = gkbar*n^4*(v - ek)
	il = gl*(v - el)
}

DERIVATIVE gates {
	look_up(v)
	m' = (mss - m)/mt
	h' = (hss - h)/ht
	n' = (nss - n)/nt
}

PROCEDURE look_up(v (mV)) {
	LOCAL up, down, faster
	TABLE mss, mt, hss, ht, nss, nt DEPEND celsius FROM -100 TO 100 WITH 200
	faster = 3^((celsius - 6.3)/10)
	up = .1*linexp(v + 40, 10)
	down = 4*exp(-(v + 65)/18)
	mt = 1/(faster*(up + down))
	mss = up/(up + down)
	up = .07*exp(-(v + 65)/20)
	down = 1/(exp(-(v + 35)/10) + 1)
	ht = 1/(faster*(up + down))
	hss = up/(up + down)
	up = .01*linexp(v + 55, 10)
	down = .125*exp(-(v + 65)/80)
	nt = 1/(faster*(up + down))
	nss = up/(up + down)
}

FUNCTION linexp(x, k) {
	if (fabs(x/k) < 1e-6) {
		linexp = k*(1 + x/k/2)
	} else {
		linexp = x/(1 - exp(-x/k))
	}
}
