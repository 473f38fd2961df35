//! For tests: the three-party World, a seeded generator, a hand-set clock, a test PKI.
