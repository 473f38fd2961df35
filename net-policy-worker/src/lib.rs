//! The network: attach, forced APN, and a gateway for bootstrap profiles.
