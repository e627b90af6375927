"""A lab of real processes on loopback: what ops/demo and ops/chaos share."""
