TITLE Low-threshold calcium channel for tests, with the flux of Goldman, Hodgkin and Katz

NEURON {
	SUFFIX cat
	USEION ca READ cai, cao WRITE ica
	RANGE pcabar, minf, taum, hinf, tauh, shift
	GLOBAL qm, qh
}

UNITS {
	(molar) = (1/liter)
	(mV) = (millivolt)
	(mA) = (milliamp)
	(mM) = (millimolar)
	FARADAY = (faraday) (coulomb)
	R = (k-mole) (joule/degC)
}

PARAMETER {
	v (mV)
	celsius = 34 (degC)
	pcabar = .00008 (cm/s) : maximal permeability
	shift = 2 (mV)
	cai = 2.4e-4 (mM)
	cao = 2 (mM)
	qm = 5
	qh = 3
}

STATE { m h }

ASSIGNED {
	ica (mA/cm2)
	minf
	taum (ms)
	hinf
	tauh (ms)
	phim
	phih
}

BREAKPOINT {
	SOLVE gates METHOD cnexp
	ica = pcabar * m*m*h * flux(v, cai, cao)
}

DERIVATIVE gates {
	kinetics(v)
	m' = (minf - m) / taum
	h' = (hinf - h) / tauh
}

UNITSOFF
INITIAL {
	phim = qm ^ ((celsius-24)/10)
	phih = qh ^ ((celsius-24)/10)
	kinetics(v)
	m = minf
	h = hinf
}

PROCEDURE kinetics(v(mV)) {
	minf = 1.0 / ( 1 + exp(-(v+shift+56)/6.2) )
	hinf = 1.0 / ( 1 + exp((v+shift+80)/4.0) )
	taum = ( 0.6 + 1.0 / ( exp(-(v+shift+131)/16.7) + exp((v+shift+16)/18.2) ) ) / phim
	if( (v+shift) < -80) {
		tauh = exp((v+shift+465)/66.6) / phih
	} else {
		tauh = ( 28 + exp(-(v+shift+22)/10.5) ) / phih
	}
}

FUNCTION flux(v(mV), inside(mM), outside(mM)) (.001 coul/cm3) {
	LOCAL z, from_inside, from_outside
	z = (1e-3)*2*FARADAY*v/(R*(celsius+273.15))
	from_outside = outside*bernoulli(z)
	from_inside = inside*bernoulli(-z)
	flux = (.001)*2*FARADAY*(from_inside - from_outside)
}

FUNCTION bernoulli(z) {
	if (fabs(z) < 1e-4) {
		bernoulli = 1 - z/2
	}else{
		bernoulli = z/(exp(z) - 1)
	}
}
UNITSON
