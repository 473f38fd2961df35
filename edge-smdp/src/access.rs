//! Operators that an access proxy in front has let in: it says so in a signed token on
//! every request (`Cf-Access-Jwt-Assertion`; JSON Web Token, RFC 7519, by RS256,
//! RFC 7518 §3.3).
//!
//! Here is what the token says; that the proxy signed it is the platform's to verify.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The header with the token.
pub const HEADER: &str = "cf-access-jwt-assertion";

/// How far the proxy's clock may be from ours, in seconds.
const SKEW: u64 = 60;
/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// Among a request's extensions: an access proxy has let its sender in.
#[derive(Clone, Copy)]
pub struct OperatorProven;

/// Whose tokens are taken (`OPERATOR_ACCESS`): JSON
/// `{"issuer":"https://team.cloudflareaccess.com","audience":"…"}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessPolicy {
    /// `iss`; its keys are at `{issuer}/cdn-cgi/access/certs`.
    pub issuer: String,
    /// `aud`: the application.
    pub audience: String,
}

/// Whether an access proxy in front lets operators in.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// None is configured.
    #[default]
    None,
    /// One with this policy.
    Policy(AccessPolicy),
    /// One is configured, but not so that it could be understood: it lets nobody in. Why, in
    /// words for the one who configures.
    Invalid(String),
}

impl Access {
    /// Reads the configuration. What can't be understood keeps the proxy from letting
    /// anybody in, and nothing else: LPAs are served, and whoever has the token is the
    /// operator.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        match text.map(AccessPolicy::parse) {
            None => Self::None,
            Some(Ok(policy)) => Self::Policy(policy),
            Some(Err(because)) => Self::Invalid(because),
        }
    }

    /// Whom to let in, if anybody.
    #[must_use]
    pub const fn policy(&self) -> Option<&AccessPolicy> {
        match self {
            Self::Policy(policy) => Some(policy),
            Self::None | Self::Invalid(_) => None,
        }
    }

    /// What somebody has to do something about.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Invalid(because) => Some(format!("{because}; nobody is let in by it")),
            Self::None | Self::Policy(_) => None,
        }
    }
}

/// The proxy's keys (RFC 7517).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct KeySet {
    /// Those of other kinds are not looked at.
    pub keys: Vec<Key>,
}

/// A public key of RSA.
#[derive(Clone, Debug, Deserialize)]
pub struct Key {
    /// Its name.
    #[serde(default)]
    pub kid: String,
    /// `RSA`.
    pub kty: String,
    /// Modulus, base64url.
    #[serde(default)]
    pub n: String,
    /// Exponent, base64url.
    #[serde(default)]
    pub e: String,
}

/// A token that says the right things, and is yet to be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The key that signed it.
    pub kid: String,
    /// What is signed.
    pub signed: Vec<u8>,
    /// By RSASSA-PKCS1-v1_5 with SHA-256.
    pub signature: Vec<u8>,
}

impl AccessPolicy {
    /// Reads the configuration.
    ///
    /// # Errors
    /// In words, for the one who configures.
    pub fn parse(text: &str) -> Result<Self, String> {
        let policy: Self = serde_json::from_str(text).map_err(|_| "OPERATOR_ACCESS: issuer and audience")?;
        let uri = policy.issuer.parse::<http::Uri>().ok();
        let by_tls = uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
        if by_tls && !policy.audience.is_empty() {
            Ok(policy)
        } else {
            Err("OPERATOR_ACCESS: an issuer with https, and an audience".into())
        }
    }

    /// Where the proxy's keys are.
    #[must_use]
    pub fn keys_url(&self) -> String {
        format!("{}/cdn-cgi/access/certs", self.issuer.trim_end_matches('/'))
    }

    /// A token that is for this server, at this time; `None` otherwise.
    #[must_use]
    pub fn read(&self, token: &str, now: u64) -> Option<Assertion> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
            #[serde(default)]
            kid: String,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Audience {
            One(String),
            Several(Vec<String>),
        }
        #[derive(Deserialize)]
        struct Claims {
            iss: String,
            aud: Audience,
            exp: u64,
            #[serde(default)]
            nbf: u64,
        }
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = decoded(header)?;
        let claims: Claims = decoded(claims)?;
        let is_ours = match &claims.aud {
            Audience::One(one) => *one == self.audience,
            Audience::Several(several) => several.contains(&self.audience),
        };
        let in_time = now < claims.exp.saturating_add(SKEW) && claims.nbf <= now + SKEW;
        // The algorithm is ours to say, not the token's.
        let sound = header.alg == "RS256" && claims.iss == self.issuer && is_ours && in_time;
        sound.then_some(())?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Assertion { kid: header.kid, signed: signed.as_bytes().to_vec(), signature })
    }
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode([1, 2, 3]))
    }

    #[test]
    fn a_token_is_for_one_server_and_one_time() {
        let policy = r#"{"issuer":"https://team.example","audience":"app-1"}"#;
        let policy = AccessPolicy::parse(policy).unwrap();
        assert_eq!(policy.keys_url(), "https://team.example/cdn-cgi/access/certs");
        let header = json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" });
        let claims = json!({ "iss": "https://team.example", "aud": ["app-1"], "exp": NOW + 10, "nbf": NOW });
        let read = policy.read(&token(&header, &claims), NOW).unwrap();
        assert_eq!((read.kid.as_str(), read.signature.as_slice()), ("k1", &[1, 2, 3][..]));
        assert!(token(&header, &claims).as_bytes().starts_with(&read.signed));
        let refused = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            policy.read(&token(&header, &claims), NOW).is_none()
        };
        assert!(!refused("aud", json!("app-1")));
        assert!(refused("aud", json!(["app-2"])));
        assert!(refused("iss", json!("https://team.example.evil")));
        assert!(refused("exp", json!(NOW - 60)));
        assert!(refused("exp", json!(null)));
        assert!(refused("nbf", json!(NOW + 61)));
        for alg in ["none", "HS256", "rs256"] {
            assert!(policy.read(&token(&json!({ "alg": alg }), &claims), NOW).is_none(), "{alg}");
        }
        for bad in ["", ".", "..", "a.b", "a.b.c", &"x".repeat(9000)] {
            assert!(policy.read(bad, NOW).is_none());
        }
    }

    #[test]
    fn a_policy_names_both_ends() {
        for bad in [
            "",
            "{}",
            r#"{"issuer":"https://a","audience":""}"#,
            r#"{"issuer":"http://a","audience":"b"}"#,
            r#"{"issuer":"https://","audience":"b"}"#,
            r#"{"issuer":"https://a b","audience":"b"}"#,
            r#"{"issuer":"https:a","audience":"b"}"#,
        ] {
            assert!(AccessPolicy::parse(bad).is_err(), "{bad}");
        }
    }
}
