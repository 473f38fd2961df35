//! The LPA procedures of SGP.22 as machines without input or output of their own.
