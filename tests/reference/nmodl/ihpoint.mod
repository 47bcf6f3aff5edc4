TITLE A patch of h channels for tests, as a point process

NEURON {
	POINT_PROCESS ihpoint
	NONSPECIFIC_CURRENT ih
	RANGE gmax, eh, ih
}

UNITS {
	(nA) = (nanoamp)
	(mV) = (millivolt)
	(uS) = (microsiemens)
}

PARAMETER {
	gmax = 0.02 (uS)
	eh = -45 (mV)
}

ASSIGNED {
	v (mV)
	ih (nA)
	alpha (/ms)
	beta (/ms)
}

STATE { q }

INITIAL {
	rates(v)
	q = alpha/(alpha + beta)
}

BREAKPOINT {
	SOLVE states METHOD cnexp
	ih = gmax*q*(v - eh)
}

DERIVATIVE states {
	rates(v)
	q' = alpha*(1 - q) - beta*q
}

PROCEDURE rates(v (mV)) {
	alpha = 0.001*exp(-(v + 75)/12)
	beta = 0.193*(v + 20)/(1 - exp(-(v + 20)/33.1))/100
}
