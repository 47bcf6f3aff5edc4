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
	look_up(v)
	n' = (ninf - n) / taun
}

UNITSOFF
INITIAL {
	tadj = 3.0 ^ ((celsius-36)/ 10 )
	look_up(v)
	n = ninf
}

PROCEDURE look_up(v(mV)) { LOCAL a,b,shifted
	shifted = v - vt
	a = 0.03 * over_expm1(15-shifted, 5)
	b = 0.5 * safe_exp((10-shifted)/40)
	taun = 1 / (a + b) / tadj
	ninf = a / (a + b)
}

FUNCTION over_expm1(x,y) {
	if (fabs(x/y) < 1e-6) {
		over_expm1 = y*(1 - x/y/2)
	}else{
		over_expm1 = x/(safe_exp(x/y)-1)
	}
}

FUNCTION safe_exp(x) {
	if (x < -100) {
		safe_exp = 0
	}else{
		safe_exp = exp(x)
	}
}
UNITSON
