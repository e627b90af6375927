"""ops/chaos: a lab of real processes under a seeded adversary, and its judge."""
