//! SGP.22 data objects, identifiers, result codes and JSON bindings.
