//! The SM-DP+ for an edge runtime.
