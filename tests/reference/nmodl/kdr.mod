TITLE Delayed rectifier for tests, in the style of hippocampal models

NEURON {
	SUFFIX kdr
	USEION k READ ek WRITE ik
	RANGE gkbar, ninf, taun, vt
}

UNITS {
	(mA) = (milliamp)
	(mV) = (millivolt)
}

PARAMETER {
	gkbar = .01 (mho/cm2) : maximal conductance
	ek = -90 (mV)
	celsius = 34 (degC)
	vt = -60 (mV) : shifts the rates
}

STATE { n }

ASSIGNED {
	v (mV)
	ik (mA/cm2)
	ninf
	taun (ms)
	tadj
}

BREAKPOINT {
	SOLVE states METHOD cnexp
	ik = gkbar * n*n*n*n * (v - ek)
}

DERIVATIVE states {
	evaluate(v)
	n' = (ninf - n) / taun
}

UNITSOFF
INITIAL {
	tadj = 3.0 ^ ((celsius-36)/ 10 )
	evaluate(v)
	n = ninf
}

PROCEDURE evaluate(v(mV)) { LOCAL a,b,v2
	v2 = v - vt
	a = 0.03 * vtrap(15-v2, 5)
	b = 0.5 * Exp((10-v2)/40)
	taun = 1 / (a + b) / tadj
	ninf = a / (a + b)
}

FUNCTION vtrap(x,y) {
	if (fabs(x/y) < 1e-6) {
		vtrap = y*(1 - x/y/2)
	}else{
		vtrap = x/(Exp(x/y)-1)
	}
}

FUNCTION Exp(x) {
	if (x < -100) {
		Exp = 0
	}else{
		Exp = exp(x)
	}
}
UNITSON
