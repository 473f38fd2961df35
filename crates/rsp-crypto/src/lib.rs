//! SGP.22 certificates and chain rules, signatures, key agreement and the BSP secure channel.
