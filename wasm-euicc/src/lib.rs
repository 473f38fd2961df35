//! The chip: an SGP.22 eUICC as a library and as WebAssembly.
