//! The keys of the home network that reveal SUCIs, as a deployment is given them:
//! `[{"id": 1, "profile": "A", "key": "c53c…"}]`, private keys in hex (TS 33.501 Annex C).

use serde::Deserialize;
use suci::{HomeNetworkKey, Scheme};
use zeroize::Zeroizing;

use crate::refusal::Fault;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: u8,
    profile: Profile,
    key: Zeroizing<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum Profile {
    A,
    B,
}

/// Reads the keys of `HOME_NETWORK_KEYS`.
///
/// # Errors
/// What is wrong, without what was written there.
pub fn keys(json: &str) -> Result<Vec<HomeNetworkKey>, Fault> {
    let wrong = |because: &str| Fault(format!("HOME_NETWORK_KEYS: {because}"));
    let entries: Vec<Entry> = serde_json::from_str(json).map_err(|error| {
        wrong(&format!(
            "not a list of id, profile and key, at line {} column {}",
            error.line(),
            error.column()
        ))
    })?;
    let mut keys: Vec<HomeNetworkKey> = vec![];
    for Entry { id, profile, key } in entries {
        let mut private = Zeroizing::new([0; 32]);
        hex::decode_to_slice(&*key, &mut private[..]).map_err(|_| wrong("a key is 32 bytes in hex"))?;
        let scheme = match profile {
            Profile::A => Scheme::ProfileA,
            Profile::B => Scheme::ProfileB,
        };
        if id == 0 || keys.iter().any(|key| key.id() == id) {
            return Err(wrong("ids are from 1 to 255, and each is there once"));
        }
        let key =
            HomeNetworkKey::new(id, scheme, *private).map_err(|_| wrong("a key is none of its profile"))?;
        keys.push(key);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_strictly() {
        let key = "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d";
        let read = keys(&format!(r#"[{{"id":1,"profile":"A","key":"{key}"}}]"#)).unwrap();
        // TS 33.501 §C.4.3.1
        let public = "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650";
        assert_eq!(hex::encode(read[0].public()), public);
        assert!(keys("[]").unwrap().is_empty());
        for broken in [
            "",
            "{}",
            r#"[{"id":0,"profile":"A","key":"KEY"}]"#,
            r#"[{"id":256,"profile":"A","key":"KEY"}]"#,
            r#"[{"id":1,"profile":"C","key":"KEY"}]"#,
            r#"[{"id":1,"profile":"A","key":"KEY00"}]"#,
            r#"[{"id":1,"profile":"A","key":"KEY","more":1}]"#,
            r#"[{"id":1,"profile":"A","key":"KEY"},{"id":1,"profile":"B","key":"KEY"}]"#,
        ] {
            let Err(fault) = keys(&broken.replace("KEY", key)) else { panic!("accepted {broken}") };
            assert!(!fault.0.contains("c53c"), "{fault}");
        }
    }
}
