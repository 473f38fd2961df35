//! Who counts as one caller at the doors.

use core::net::{IpAddr, Ipv6Addr};

/// What the calls from an address are counted by: an IPv4 address, of IPv6 the network of 64 bits
/// that a subscriber or a host is given whole (RFC 4291 §2.5.4), who could take another address
/// for each call. What is no address is counted by its text.
#[must_use]
pub fn origin(address: &str) -> String {
    match address.trim().parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_caller() {
        assert_eq!(origin("192.0.2.1"), "192.0.2.1");
        assert_eq!(origin("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(origin("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(origin("2001:0DB8:1:2::9"), origin("2001:db8:1:2:ffff::"));
        assert_ne!(origin("2001:db8:1:3::9"), origin("2001:db8:1:2::9"));
        assert_eq!(origin("nobody"), "nobody");
    }
}
