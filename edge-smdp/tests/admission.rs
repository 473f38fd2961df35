//! The door of ES9+ for certified LPAs: by a signature of the request, or by TLS.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use edge_smdp::Configuration;
use edge_smdp::admission::{AdmissionText, TlsClient};
use http::Request;
use httpsig::lpa::{self, WINDOW};
use httpsig::{Digest, Draft, Message, Parameters, Target, byte_sequence};
use rsp_crypto::issue::{Identity, LpaPki, Validity};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Curve, ready};
use serde_json::{Value, json};

const ES9: &str = "/gsma/rsp2/es9plus/";
const PATH: &str = "/gsma/rsp2/es9plus/initiateAuthentication";
const FUNCTIONS: [&str; 5] = [
    "initiateAuthentication",
    "authenticateClient",
    "getBoundProfilePackage",
    "handleNotification",
    "cancelSession",
];
const DN: &str = "CN=LPA CA,O=Operator";
const FINGERPRINT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

// Made by OpenSSL 3: a CA, an LPA under it, and certificates of the same key with a fault
// each (no keyUsage, keyAgreement only, a CA, an unknown critical extension), one of another
// curve; the key; and a request signed with it.
const CA: &str = "MIIBkDCCATWgAwIBAgIULfGgab1htqE5hyle6hV77Bhe0ecwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UE\
     AwwGTFBBIENBMCAXDTI2MTEyNzEwMTUyN1oYDzIwNTYxMTE5MTAxNTI3WjAjMRAwDgYDVQQKDAdSU1BURVNUMQ8wDQYDVQQDDAZM\
     UEEgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR+tCrLpMPhvoyKZfPZmpNYl/F5NCkm8ycbzxFydq6a6obHSjr4HNHGeojF\
     H693sKJ/P6lPLJNXAxy9WkdLyvHso0UwQzASBgNVHRMBAf8ECDAGAQH/AgEAMA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQUHQlV\
     m412zK0h+XdU2eIowJKTqyMwCgYIKoZIzj0EAwIDSQAwRgIhAOR2diBeQNWlyJXG5nJTvz15WUdh4yeN6+2yjLW6yaYPAiEA7dV5\
     cRcD7pAKqoNHSYKPqvlRzcEc/uYv4IWl0gW4FRs=";
const LPA: &str = "MIIBpzCCAU2gAwIBAgICXswwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAXDTI2MTEy\
     NzEwMTUyN1oYDzIwNTYxMTE5MTAxNTI3WjAgMRAwDgYDVQQKDAdSU1BURVNUMQwwCgYDVQQDDANscGEwWTATBgcqhkjOPQIBBggq\
     hkjOPQMBBwNCAAQvoWD8qOhpTtYyARvzQwUKEwYwY+JF3CVS5jHI3Y6TVH1nHKuTExyHs/auku5gPIPJDvk8Gj24S4/WKnE0IhE5\
     o3IwcDAJBgNVHRMEAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDAjAfBgNVHSMEGDAWgBQdCVWbjXbMrSH5\
     d1TZ4ijAkpOrIzAdBgNVHQ4EFgQUmT46KfrJv46zel811P+Ze68bh8cwCgYIKoZIzj0EAwIDSAAwRQIgXzI+71y4QkXWQezN2EhZ\
     aHciyqMDX0Jbu9+B05OMnSICIQCIbPVPFH3F7nLEN6lFk8aAp0AggTPQ513e7eJQ2Fom3A==";
const NO_USAGE: &str = "MIIBhjCCASygAwIBAgICFRIwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAXDTI2MTEy\
     NzEwMTUyN1oYDzIwNTYxMTE5MTAxNTI3WjAkMRAwDgYDVQQKDAdSU1BURVNUMRAwDgYDVQQDDAdub3VzYWdlMFkwEwYHKoZIzj0C\
     AQYIKoZIzj0DAQcDQgAEL6Fg/KjoaU7WMgEb80MFChMGMGPiRdwlUuYxyN2Ok1R9ZxyrkxMch7P2rpLuYDyDyQ75PBo9uEuP1ipx\
     NCIROaNNMEswCQYDVR0TBAIwADAfBgNVHSMEGDAWgBQdCVWbjXbMrSH5d1TZ4ijAkpOrIzAdBgNVHQ4EFgQUmT46KfrJv46zel81\
     1P+Ze68bh8cwCgYIKoZIzj0EAwIDSAAwRQIhALo2gvsPJngaWupGOVJzSRNpuFkkHkwfkgGhO+JXLs1zAiABOADN4mIKJ0L1BaX8\
     qxPa9uGb4D53/pSIE1b3ukgtJg==";
const AGREEMENT: &str = "MIIBjjCCATOgAwIBAgICInAwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAXDTI2MTEy\
     NzEwMTUyOFoYDzIwNTYxMTE5MTAxNTI4WjAmMRAwDgYDVQQKDAdSU1BURVNUMRIwEAYDVQQDDAlhZ3JlZW1lbnQwWTATBgcqhkjO\
     PQIBBggqhkjOPQMBBwNCAAQvoWD8qOhpTtYyARvzQwUKEwYwY+JF3CVS5jHI3Y6TVH1nHKuTExyHs/auku5gPIPJDvk8Gj24S4/W\
     KnE0IhE5o1IwUDAOBgNVHQ8BAf8EBAMCAwgwHwYDVR0jBBgwFoAUHQlVm412zK0h+XdU2eIowJKTqyMwHQYDVR0OBBYEFJk+Oin6\
     yb+Os3pfNdT/mXuvG4fHMAoGCCqGSM49BAMCA0kAMEYCIQC394pJBqConD2T5yE9KsGpqG0wbqitHNtigavnJtXz/gIhAPpW0s9W\
     A+BPlD5TTSQVSIFUYhikQC4i8Tihw+ry1QzB";
const SUB_CA: &str = "MIIBmzCCAUGgAwIBAgICe/MwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAXDTI2MTEy\
     NzEwMTUyOFoYDzIwNTYxMTE5MTAxNTI4WjAgMRAwDgYDVQQKDAdSU1BURVNUMQwwCgYDVQQDDANzdWIwWTATBgcqhkjOPQIBBggq\
     hkjOPQMBBwNCAAQvoWD8qOhpTtYyARvzQwUKEwYwY+JF3CVS5jHI3Y6TVH1nHKuTExyHs/auku5gPIPJDvk8Gj24S4/WKnE0IhE5\
     o2YwZDASBgNVHRMBAf8ECDAGAQH/AgEAMA4GA1UdDwEB/wQEAwIChDAfBgNVHSMEGDAWgBQdCVWbjXbMrSH5d1TZ4ijAkpOrIzAd\
     BgNVHQ4EFgQUmT46KfrJv46zel811P+Ze68bh8cwCgYIKoZIzj0EAwIDSAAwRQIgSOztPfYaecPA1e/RoZ10zYUpJ7wgZj6WmIvk\
     Yw+272ACIQC8TkZYJ9ucANn3KZBWwF6lVWFzqvMkKcAX5j26+imhNA==";
const UNKNOWN: &str = "MIIBnzCCAUWgAwIBAgICF4swCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAXDTI2MTEy\
     NzEwMTUyOFoYDzIwNTYxMTE5MTAxNTI4WjAkMRAwDgYDVQQKDAdSU1BURVNUMRAwDgYDVQQDDAd1bmtub3duMFkwEwYHKoZIzj0C\
     AQYIKoZIzj0DAQcDQgAEL6Fg/KjoaU7WMgEb80MFChMGMGPiRdwlUuYxyN2Ok1R9ZxyrkxMch7P2rpLuYDyDyQ75PBo9uEuP1ipx\
     NCIROaNmMGQwDgYDVR0PAQH/BAQDAgeAMBIGCSsGAQQBho0fAQEB/wQCBQAwHQYDVR0OBBYEFJk+Oin6yb+Os3pfNdT/mXuvG4fH\
     MB8GA1UdIwQYMBaAFB0JVZuNdsytIfl3VNniKMCSk6sjMAoGCCqGSM49BAMCA0gAMEUCIDjFh65sScKFnjmV0VbTksrKc50DgXNi\
     /1zOV2RqTfwIAiEAzY1nHU+WPJtBapinQdjDhDO4TyjIJjxGTJceNR1IWII=";
const P384: &str = "MIIBxTCCAWugAwIBAgICe4AwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAXDTI2MTEy\
     NzEwMTUyOFoYDzIwNTYxMTE5MTAxNTI4WjAhMRAwDgYDVQQKDAdSU1BURVNUMQ0wCwYDVQQDDARwMzg0MHYwEAYHKoZIzj0CAQYF\
     K4EEACIDYgAE4w2SYyhbFz+tDcVHxu/jvXvsWhdHMrv+Xi7XkEaNPM25o9TEQohVT7pxB1AoGYm7uLiKunDsafc78ZDu9jqsmvOP\
     0e/RmIGy1VC18lovWHsE+EG42cL+e5Pwjq0SGdmko3IwcDAJBgNVHRMEAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggr\
     BgEFBQcDAjAfBgNVHSMEGDAWgBQdCVWbjXbMrSH5d1TZ4ijAkpOrIzAdBgNVHQ4EFgQUriK5U8kgrZza8OERyHDy7y/zpEgwCgYI\
     KoZIzj0EAwIDSAAwRQIhAM14vjksekVuTwV855VvqkOO8LZT7JlziDoOfdALE1U7AiAcBOfJsMUKmGWHxgcAG2+aL1M/SUmrcKnr\
     WtJ+6vvbOA==";
const OPENSSL_KEY: &str = "59b8be0f31c848fa71fe083628b3b3d4e74d583a97f70c00b9e4f76e47353d4d";
const OPENSSL_DIGEST: &str =
    "sha-512=:J8dGcK23UHX60FjVzq97IMTneGyDuuijL2Jvl4KvNMmjPCBG72D9Knh403jin+yFGAa72aZ4ePOp8c2kgwdj/Q==:";
const OPENSSL_INPUT: &str = "s=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\" \"client-cert\");created=1800000000;alg=\"ecdsa-p256-sha256\";keyid=\"lpa-1\"";
const OPENSSL_SIGNATURE: &str =
    "s=:WcbvIM7cuZSYu0Jqv319zT3gn81gYtUz+Am6KImCUtQ1schWH/rUOC6utjtwI3NcOT/2P5nrI+q4p2meG9uYHw==:";

fn lpa_pki(seed: u64) -> LpaPki {
    LpaPki::generate(&mut rng(100 + seed), Curve::P256, validity()).unwrap()
}

/// A server that only these get into.
fn world(admission: AdmissionText<'_>) -> World {
    World::try_of(&[], Configuration { admission, ..base() }).unwrap()
}

fn certified(ca: &str) -> World {
    world(AdmissionText { mode: "certificate", ca, ..AdmissionText::default() })
}

fn ca_of(pki: &LpaPki) -> String {
    b64(pki.ca.certificate().der()).as_str().unwrap().to_owned()
}

/// A request as an LPA would send it, every part open to change.
#[derive(Clone)]
struct Call {
    method: &'static str,
    uri: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    fn plain(body: &[u8]) -> Self {
        let fields = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { method: "POST", uri: format!("https://smdp.example{PATH}"), fields, body: body.to_vec() }
    }

    fn signed(by: &Identity, body: &[u8]) -> Self {
        let draft = lpa::Request::new("smdp.example", PATH, body, by.certificate().der(), NOW).unwrap();
        let signature = by.expose_key().sign(draft.base());
        let mut call = Self::plain(body);
        call.fields.extend(draft.finish(&signature.0).map(|(name, value)| (name.to_owned(), value)));
        call
    }

    /// Signed in another way than an LPA should.
    fn signed_as(by: &Identity, components: &[&str], parameters: &Parameters) -> Self {
        let mut call = Self::plain(b"{}");
        let digest = Digest::Sha512.field(&call.body);
        call.fields.push(("content-digest".into(), digest));
        call.fields.push(("client-cert".into(), byte_sequence(by.certificate().der())));
        let fields: Vec<_> =
            call.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let target =
            Target { method: "POST", scheme: "https", authority: "smdp.example", path: PATH, query: None };
        let draft = Draft::new("x", &Message::request(target, &fields), components, parameters).unwrap();
        let signature = by.expose_key().sign(draft.base());
        let made = draft.finish(&signature.0);
        call.fields.push(("signature-input".into(), made.signature_input));
        call.fields.push(("signature".into(), made.signature));
        call
    }

    fn with(mut self, name: &str, change: impl FnOnce(&str) -> String) -> Self {
        let at = self.fields.iter().position(|(found, _)| found == name).unwrap();
        self.fields[at].1 = change(&self.fields[at].1);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(found, _)| found != name);
        self
    }

    fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn request(&self) -> Request<Vec<u8>> {
        let mut request = Request::builder().method(self.method).uri(&self.uri);
        for (name, value) in &self.fields {
            request = request.header(name, value);
        }
        request.body(self.body.clone()).unwrap()
    }

    /// `None`: it got in. Else why not.
    #[track_caller]
    fn refused(&self, world: &World) -> Option<String> {
        answered(world, self.request())
    }
}

#[track_caller]
fn answered(world: &World, request: Request<Vec<u8>>) -> Option<String> {
    let response = ready(world.smdp.handle(request));
    assert!(response.status().as_u16() < 500, "{}", response.status());
    if response.status() != 401 {
        return None;
    }
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["www-authenticate"], "Signature realm=\"ES9+\"");
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("accept-signature"));
    let problem: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(problem["status"], 401);
    Some(problem["detail"].as_str().unwrap().to_owned())
}

#[track_caller]
fn assert_refused(world: &World, call: &Call, because: &str) {
    let said = call.refused(world).unwrap_or_else(|| panic!("it got in: {because}"));
    assert!(said.contains(because), "{because}: {said}");
}

#[test]
fn everybody_gets_in_unless_it_is_configured() {
    for mode in ["", "open"] {
        let world = world(AdmissionText { mode, ca: "nonsense", ..AdmissionText::default() });
        assert_eq!(Call::plain(b"{}").refused(&world), None);
        assert_eq!(world.operator("health")["admission"], "open");
    }
}

#[test]
fn a_wrong_configuration_is_told() {
    let pki = lpa_pki(1);
    let ca = ca_of(&pki);
    let not_ca = b64(pki.lpa.certificate().der()).as_str().unwrap().to_owned();
    let text =
        |mode, ca, mtls_issuer, mtls_fingerprints| AdmissionText { mode, ca, mtls_issuer, mtls_fingerprints };
    let many = [ca.as_str(); 9].join(",");
    for (text, because) in [
        (text("closed", "", "", ""), "LPA_ADMISSION"),
        (text("certificate", "", "", ""), "LPA_CA, LPA_MTLS_ISSUER"),
        (text("certificate", "AQID", "", ""), "LPA_CA: number 1: not a certificate"),
        (text("certificate", &format!("{ca},!"), "", ""), "LPA_CA: number 2: neither"),
        (text("certificate", &not_ca, "", ""), "LPA_CA: number 1: not a CA"),
        (text("certificate", &many, "", ""), "at most 8"),
        (text("certificate", P384, "", ""), "number 1: its key is on no supported curve"),
        (text("certificate", "", "", "00"), "LPA_MTLS_FINGERPRINTS"),
    ] {
        let error = World::try_of(&[], Configuration { admission: text, ..base() }).err().unwrap();
        assert!(error.contains(because), "{because}: {error}");
    }
}

#[test]
fn a_certified_lpa_gets_in_and_downloads() {
    let pki = lpa_pki(1);
    let mut world = certified(&format!("{}, {}", ca_of(&lpa_pki(2)), ca_of(&pki)));
    world.lpa = Some(pki.lpa);
    world.add_profile(ICCID);
    let id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    assert_eq!(world.state(ICCID), "Installed");
    assert_eq!(world.operator("health")["admission"], "certificate");
}

/// RFC 9110 §15.5.2, RFC 9421 §5.1; nothing behind the door is reached.
#[test]
fn all_five_functions_are_behind_the_door() {
    let world = certified(&ca_of(&lpa_pki(1)));
    for function in FUNCTIONS {
        let response = world.request("POST", &format!("{ES9}{function}"), None, b"{}");
        assert_eq!(response.status(), 401, "{function}");
        assert_eq!(response.headers()["accept-signature"], lpa::accept_signature());
        let said = String::from_utf8(response.body().clone()).unwrap();
        for name in lpa::FIELDS {
            assert!(said.contains(name), "{said}");
        }
        let preflight = world.request("OPTIONS", &format!("{ES9}{function}"), None, b"");
        assert_eq!(preflight.status(), 204);
        let allowed = preflight.headers()["access-control-allow-headers"].to_str().unwrap();
        assert_eq!(
            allowed,
            "content-type, x-admin-protocol, client-cert, content-digest, signature-input, signature"
        );
    }
    // The operator's doors are others.
    assert_eq!(world.request("GET", "/operator/profiles", Some(TOKEN), b"").status(), 200);
    assert_eq!(
        World::new().request("OPTIONS", PATH, None, b"").headers()["access-control-allow-headers"],
        "content-type, x-admin-protocol"
    );
}

#[test]
fn a_request_signed_by_openssl() {
    let world = certified(CA);
    let call = Call::plain(b"{}")
        .and("client-cert", &format!(":{LPA}:"))
        .and("content-digest", OPENSSL_DIGEST)
        .and("signature-input", OPENSSL_INPUT)
        .and("signature", OPENSSL_SIGNATURE);
    assert_eq!(call.refused(&world), None);
    let elsewhere = Call { uri: format!("https://smdp2.example{PATH}"), ..call.clone() };
    assert_refused(&world, &elsewhere, "not that of the certificate's key");
    let insecure = Call { uri: format!("http://smdp.example{PATH}"), ..call.clone() };
    assert_refused(&world, &insecure, "not that of the certificate's key");
    assert_refused(
        &world,
        &call.with("content-type", |_| "application/json;charset=UTF-8".into()),
        "not that of",
    );
}

#[test]
fn every_covered_part_is_protected() {
    let pki = lpa_pki(1);
    let world = certified(&ca_of(&pki));
    let good = Call::signed(&pki.lpa, b"{}");
    assert_eq!(good.refused(&world), None);
    // Again, within the window: the same request.
    assert_eq!(good.refused(&world), None);
    let wrong = "not that of the certificate's key over this request";
    for function in &FUNCTIONS[1..] {
        let call = Call { uri: format!("https://smdp.example{ES9}{function}"), ..good.clone() };
        assert_refused(&world, &call, wrong);
    }
    let elsewhere = Call { uri: format!("https://smdp2.example:8443{PATH}"), ..good.clone() };
    assert_refused(&world, &elsewhere, wrong);
    // A name without a port is one of port 443.
    let elsewhere = Call { uri: format!("https://smdp.example:8443{PATH}"), ..good.clone() };
    assert_refused(&world, &elsewhere, "smdp.example:8443 is not an address of this SM-DP+");
    let call = Call { uri: format!("https://evil.example{PATH}"), ..good.clone() };
    assert_refused(&world, &call, "evil.example is not an address of this SM-DP+");
    assert_refused(&world, &Call { uri: PATH.into(), ..good.clone() }, "does not say which host");
    // The same host in another spelling is the same host.
    assert_eq!(Call { uri: format!("https://SMDP.example:443{PATH}"), ..good.clone() }.refused(&world), None);
    assert_eq!(Call { uri: PATH.into(), ..good.clone() }.and("host", "smdp.example").refused(&world), None);
    assert_refused(
        &world,
        &Call { body: b"[]".to_vec(), ..good.clone() },
        "Content-Digest: sha-256 is not that of the body",
    );
    let other = Digest::Sha256.field(b"[]");
    let call = Call { body: b"[]".to_vec(), ..good.clone() }.with("content-digest", |_| other);
    assert_refused(&world, &call, wrong);
    // Another certificate of the same CA, of a key that did not sign.
    let second = pki.issue_lpa(&mut rng(9), "second", validity()).unwrap();
    let call = good.clone().with("client-cert", |_| byte_sequence(second.certificate().der()));
    assert_refused(&world, &call, wrong);
    // And one of the same key: the certificate itself is covered.
    let changed = good.clone().with("signature-input", |input| input.replace("1800000000", "1800000001"));
    assert_refused(&world, &changed, wrong);
    let call = good.clone().with("signature-input", |input| format!("{input};keyid=\"a\""));
    assert_refused(&world, &call, wrong);
    let signature = |change: fn(&mut Vec<u8>)| {
        good.clone().with("signature", |field| {
            let mut bytes = httpsig::expect_byte_sequence(field.strip_prefix("lpa=").unwrap()).unwrap();
            change(&mut bytes);
            format!("lpa={}", byte_sequence(&bytes))
        })
    };
    assert_refused(&world, &signature(|bytes| bytes[7] ^= 1), wrong);
    assert_refused(&world, &signature(|bytes| bytes.fill(0)), wrong);
    assert_refused(&world, &signature(|bytes| bytes.fill(0xFF)), wrong);
    for change in [|bytes: &mut Vec<u8>| bytes.truncate(63), |bytes: &mut Vec<u8>| bytes.push(0), Vec::clear]
    {
        assert_refused(&world, &signature(change), "64 bytes");
    }
}

#[test]
fn a_signature_is_of_now() {
    let pki = lpa_pki(1);
    let world = certified(&ca_of(&pki));
    let good = Call::signed(&pki.lpa, b"{}");
    for (now, fits) in [
        (NOW - WINDOW, true),
        (NOW - WINDOW - 1, false),
        (NOW + WINDOW, true),
        (NOW + WINDOW + 1, false),
        (0, false),
        (u64::MAX, false),
    ] {
        world.clock.set(now);
        match good.refused(&world) {
            None => assert!(fits, "{now}"),
            Some(said) => assert!(!fits && said.contains("not within 300 s"), "{now}: {said}"),
        }
    }
    world.clock.set(NOW);
    let now = i64::try_from(NOW).unwrap();
    let with = |created, expires| {
        let parameters = Parameters { created, expires, ..Parameters::default() };
        Call::signed_as(&pki.lpa, &lpa::COVERED, &parameters).refused(&world)
    };
    assert_eq!(with(Some(now), Some(now)), None);
    assert!(with(Some(now), Some(now - 1)).unwrap().contains("expires"));
    assert!(with(None, None).unwrap().contains("created is missing"));
    assert!(with(None, Some(now + 10)).unwrap().contains("created is missing"));
    assert!(with(Some(-999_999_999_999_999), None).unwrap().contains("not within"));
    assert!(with(Some(999_999_999_999_999), None).unwrap().contains("not within"));
}

#[test]
fn what_must_be_covered_and_how() {
    let pki = lpa_pki(1);
    let world = certified(&ca_of(&pki));
    let created = Some(i64::try_from(NOW).unwrap());
    let parameters = Parameters { created, ..Parameters::default() };
    for left_out in lpa::COVERED {
        let components: Vec<_> = lpa::COVERED.into_iter().filter(|name| *name != left_out).collect();
        let call = Call::signed_as(&pki.lpa, &components, &parameters);
        assert_refused(&world, &call, &format!("\"{left_out}\" is not covered"));
    }
    assert_refused(&world, &Call::signed_as(&pki.lpa, &[], &parameters), "not covered");
    let by_uri = ["@target-uri", "@method", "client-cert", "content-digest", "content-type"];
    assert_eq!(Call::signed_as(&pki.lpa, &by_uri, &parameters).refused(&world), None);
    let alg = |alg: &str| Parameters { alg: Some(alg.into()), keyid: Some("k".into()), ..parameters.clone() };
    assert_eq!(Call::signed_as(&pki.lpa, &lpa::COVERED, &alg("ecdsa-p256-sha256")).refused(&world), None);
    for other in ["ecdsa-p384-sha384", "hmac-sha256", "ed25519", "none", ""] {
        assert_refused(&world, &Call::signed_as(&pki.lpa, &lpa::COVERED, &alg(other)), "alg is not");
    }
    // What is covered and does not arrive.
    let covered: Vec<_> = lpa::COVERED.into_iter().chain(["content-type"]).collect();
    let call = Call::signed_as(&pki.lpa, &covered, &parameters);
    assert_eq!(call.refused(&world), None);
    assert_refused(
        &world,
        &call.without("content-type"),
        "\"content-type\" is covered and not in the message",
    );
}

#[test]
fn malformed_fields_are_refused_in_words() {
    let pki = lpa_pki(1);
    let world = certified(&ca_of(&pki));
    let good = Call::signed(&pki.lpa, b"{}");
    for name in lpa::FIELDS {
        let call = good.clone().without(name);
        let expected = match name {
            "content-digest" => "Content-Digest",
            _ => "the request has no",
        };
        assert_refused(&world, &call, expected);
        for nonsense in [
            "",
            " ",
            ",",
            "=",
            "x",
            "lpa",
            "lpa=",
            "lpa=1",
            "lpa=(",
            "::",
            ":",
            ":!:",
            "?",
            "\"",
            "lpa=();;;",
            "\u{e9}",
        ] {
            let value = nonsense.to_owned();
            assert!(good.clone().with(name, |_| value).refused(&world).is_some(), "{name}: {nonsense}");
        }
        let long = "a".repeat(100_000);
        assert_refused(&world, &good.clone().with(name, |_| long), "longer than");
        // Twice is another value, whichever of them comes first.
        let call = good.clone().and(name, ":AQID:");
        assert!(call.refused(&world).is_some(), "{name}");
        let mut turned = call;
        turned.fields.reverse();
        assert!(turned.refused(&world).is_some(), "{name}");
    }
    let value = |name: &str| good.fields.iter().find(|(found, _)| found == name).unwrap().1.clone();
    let (input, signature) = (value("signature-input"), value("signature"));
    assert_refused(&world, &good.clone().and("signature-input", &input), "twice");
    assert_refused(&world, &good.clone().and("signature", &signature), "twice");
    // Others beside it do no harm, unless there are too many.
    let other = |n: usize| {
        let labels = (0..n).map(|at| format!("l{at}"));
        let inputs: Vec<_> = labels.clone().map(|label| format!("{label}=(\"@method\");created=1")).collect();
        let signatures: Vec<_> = labels.map(|label| format!("{label}=:AQID:")).collect();
        good.clone()
            .with("signature-input", |own| format!("{}, {own}", inputs.join(", ")))
            .with("signature", |own| format!("{}, {own}", signatures.join(", ")))
    };
    assert_eq!(other(3).refused(&world), None);
    assert_refused(&world, &other(4), "at most 4");
    // Bodies that are refused anyway are not even looked at.
    let long = Call { body: vec![b' '; 65 * 1024], ..good };
    assert_eq!(ready(world.smdp.handle(long.request())).status(), 413);
}

#[test]
fn certificates_of_openssl_with_a_fault_each() {
    let world = certified(CA);
    let key: [u8; 32] = hex::decode(OPENSSL_KEY).unwrap().try_into().unwrap();
    let key = SigningKey::from_scalar(Curve::P256, &key).unwrap();
    let call = |certificate: &str| {
        let der = unb64(&json!(certificate));
        let draft = lpa::Request::new("smdp.example", PATH, b"{}", &der, NOW).unwrap();
        let signature = key.sign(draft.base());
        let mut call = Call::plain(b"{}");
        call.fields.extend(draft.finish(&signature.0).map(|(name, value)| (name.to_owned(), value)));
        call
    };
    assert_eq!(call(LPA).refused(&world), None);
    for (certificate, because) in [
        (NO_USAGE, "keyUsage"),
        (AGREEMENT, "keyUsage"),
        (SUB_CA, "it is a CA's"),
        (CA, "it is a CA's"),
        (UNKNOWN, "critical extension"),
        (P384, "no supported curve"),
    ] {
        assert_refused(&world, &call(certificate), because);
    }
    // No byte of the certificate may change, whoever signs the request.
    let good = unb64(&json!(LPA));
    for at in (0..good.len()).step_by(3) {
        let mut bad = good.clone();
        bad[at] ^= 0x01;
        let bad = b64(&bad);
        assert!(call(bad.as_str().unwrap()).refused(&world).is_some(), "byte {at}");
    }
    for truncated in [&good[..good.len() - 1], &good[..4], &[]] {
        let bad = b64(truncated);
        assert_refused(&world, &call(bad.as_str().unwrap()), "Client-Cert: not a certificate");
    }
}

#[test]
fn certificates_of_others_and_of_another_time() {
    let pki = lpa_pki(1);
    let world = certified(&ca_of(&pki));
    let not_issued = "not issued by the LPA CA";
    assert_refused(&world, &Call::signed(&lpa_pki(2).lpa, b"{}"), not_issued);
    // Whoever else the CA certifies is no LPA.
    let both = certified(b64(world.pki.ci.certificate().der()).as_str().unwrap());
    assert_refused(&both, &Call::signed(&world.pki.dp_auth, b"{}"), "another party of RSP");
    assert_refused(&world, &Call::signed(&world.pki.euicc, b"{}"), "another party of RSP");
    for (not_before, not_after) in [(NOW - 20, NOW - 1), (NOW + 1, NOW + 20)] {
        let lpa = pki.issue_lpa(&mut rng(5), "x", Validity { not_before, not_after }).unwrap();
        assert_refused(&world, &Call::signed(&lpa, b"{}"), "it is valid from");
    }
    let lpa = pki.issue_lpa(&mut rng(5), "x", Validity { not_before: NOW, not_after: NOW }).unwrap();
    assert_eq!(Call::signed(&lpa, b"{}").refused(&world), None);
    // A CA that has ended ends its LPAs.
    let old = Validity { not_before: NOW - 20, not_after: NOW - 1 };
    let old = LpaPki::generate(&mut rng(6), Curve::P256, old).unwrap();
    let lpa = old.issue_lpa(&mut rng(7), "x", validity()).unwrap();
    let world = certified(&ca_of(&old));
    assert_refused(&world, &Call::signed(&lpa, b"{}"), "its CA is valid from");
    let health = world.operator("health");
    assert!(health["warnings"][0].as_str().unwrap().contains("LPA CA 1 has expired"), "{health}");
}

/// Whose certificate was believed once is not believed for it: not at another time, not for
/// another key, and not however many have come since.
#[test]
fn a_certificate_that_was_believed_is_looked_at_again() {
    let pki = lpa_pki(1);
    let world = certified(&ca_of(&pki));
    let short = Validity { not_before: NOW - 10, not_after: NOW + 10 };
    let lpa = pki.issue_lpa(&mut rng(5), "short", short).unwrap();
    let call = Call::signed(&lpa, b"{}");
    for _ in 0..2 {
        assert_eq!(call.refused(&world), None);
    }
    world.clock.set(NOW + 11);
    assert_refused(&world, &call, "it is valid from");
    world.clock.set(NOW);
    let other = pki.issue_lpa(&mut rng(6), "other", short).unwrap();
    let stolen = Call::signed(&other, b"{}").with("client-cert", |_| byte_sequence(lpa.certificate().der()));
    assert_refused(&world, &stolen, "not that of the certificate's key");
    for seed in 0..260 {
        let lpa = pki.issue_lpa(&mut rng(1000 + seed), "many", short).unwrap();
        assert_eq!(Call::signed(&lpa, b"{}").refused(&world), None);
    }
    assert_eq!(call.refused(&world), None);
}

#[test]
fn a_brainpool_ca() {
    let pki = LpaPki::generate(&mut rng(1), Curve::BrainpoolP256r1, validity()).unwrap();
    let world = certified(&ca_of(&pki));
    assert_eq!(Call::signed(&pki.lpa, b"{}").refused(&world), None);
    assert_refused(&world, &Call::signed(&lpa_pki(1).lpa, b"{}"), "not issued");
}

#[test]
fn a_client_certificate_of_tls() {
    let pki = lpa_pki(1);
    let ca = ca_of(&pki);
    let good =
        TlsClient { verified: true, revoked: false, issuer: DN.into(), fingerprint: FINGERPRINT.into() };
    let ask = |world: &World, client: &TlsClient| {
        let mut request = Call::plain(b"{}").request();
        request.extensions_mut().insert(client.clone());
        answered(world, request)
    };
    let text = |ca, mtls_issuer, mtls_fingerprints| AdmissionText {
        mode: "certificate",
        ca,
        mtls_issuer,
        mtls_fingerprints,
    };
    let colons =
        "0011:22334455:66778899AABBCCDDEEFF00112233445566778899aabbccddeeff, ".to_owned() + &"ab".repeat(32);
    for text in [text("", DN, ""), text("", "", FINGERPRINT), text(&ca, DN, &colons)] {
        let world = world(text);
        assert_eq!(ask(&world, &good), None);
        let bad =
            [TlsClient { verified: false, ..good.clone() }, TlsClient { revoked: true, ..good.clone() }];
        for client in bad {
            assert!(ask(&world, &client).is_some(), "{client:?}");
        }
        let said = Call::plain(b"{}").refused(&world).unwrap();
        assert!(said.contains("a client certificate in TLS"), "{said}");
        // A field of the request says nothing about TLS.
        let forged = [
            "client-cert",
            "x-client-cert",
            "cf-client-cert-der-base64",
            "x-ssl-client-verify",
            "cf-tls-client-auth",
        ];
        let forged = forged.into_iter().fold(Call::plain(b"{}"), |call, name| call.and(name, "SUCCESS"));
        assert!(forged.refused(&world).is_some());
    }
    let other_issuer = TlsClient { issuer: "CN=Other".into(), ..good.clone() };
    let other = TlsClient { fingerprint: "ab".repeat(32), ..good.clone() };
    let nonsense = TlsClient { fingerprint: "x".into(), ..good.clone() };
    let both = world(text("", DN, FINGERPRINT));
    for client in [&other_issuer, &other, &nonsense] {
        assert!(ask(&both, client).is_some());
    }
    assert!(ask(&world(text("", DN, "")), &other_issuer).unwrap().contains("of another issuer"));
    assert!(ask(&world(text("", "", FINGERPRINT)), &other).unwrap().contains("not among those"));
    // Where TLS is not asked about, it does not count; a signature does then.
    let by_signature = world(text(&ca, "", ""));
    assert!(ask(&by_signature, &good).is_some());
    let mut request = Call::signed(&pki.lpa, b"{}").request();
    request.extensions_mut().insert(other);
    assert_eq!(answered(&world(text(&ca, DN, FINGERPRINT)), request), None);
}
