//! Issues the project's own test PKI.
