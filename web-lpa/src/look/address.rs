//! The address of a message: `#trace?m=123`.

/// The message that an address's fragment opens.
#[must_use]
pub fn message(fragment: &str) -> Option<u32> {
    let (_, query) = fragment.strip_prefix('#').unwrap_or(fragment).split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("m=")).and_then(|number| number.parse().ok())
}

/// The fragment that opens a message; with none, that of the list.
#[must_use]
pub fn fragment(message: Option<u32>) -> String {
    match message {
        Some(id) => format!("#trace?m={id}"),
        None => "#trace".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_message_has_an_address() {
        assert_eq!(message(&fragment(Some(123))), Some(123));
        assert_eq!(message(&fragment(None)), None);
        assert_eq!(message("#trace?as=list&m=7"), Some(7));
        for other in ["", "#", "#trace?", "#trace?m=", "#trace?m=-1", "#trace?m=99999999999", "#m=3"] {
            assert_eq!(message(other), None, "{other}");
        }
    }
}
