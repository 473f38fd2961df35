//! Revocation lists that the server is configured with.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use edge_smdp::Configuration;
use edge_smdp::admission::AdmissionText;
use rsp::metadata::NotificationEvents;
use rsp_crypto::crl::Part;
use rsp_crypto::issue::{Identity, LpaPki, Pki, RevocationList, Revoked};
use rsp_crypto::{Certificate, Curve, ready};
use serde_json::json;

// Made by OpenSSL 3: a CA, and its list number 5 of the serial number 1234.
const OPENSSL_CA: &str = "MIIBkDCCATWgAwIBAgIULfGgab1htqE5hyle6hV77Bhe0ecwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UE\
     AwwGTFBBIENBMCAXDTI2MTEyNzEwMTUyN1oYDzIwNTYxMTE5MTAxNTI3WjAjMRAwDgYDVQQKDAdSU1BURVNUMQ8wDQYDVQQDDAZM\
     UEEgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR+tCrLpMPhvoyKZfPZmpNYl/F5NCkm8ycbzxFydq6a6obHSjr4HNHGeojF\
     H693sKJ/P6lPLJNXAxy9WkdLyvHso0UwQzASBgNVHRMBAf8ECDAGAQH/AgEAMA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQUHQlV\
     m412zK0h+XdU2eIowJKTqyMwCgYIKoZIzj0EAwIDSQAwRgIhAOR2diBeQNWlyJXG5nJTvz15WUdh4yeN6+2yjLW6yaYPAiEA7dV5\
     cRcD7pAKqoNHSYKPqvlRzcEc/uYv4IWl0gW4FRs=";
const OPENSSL_LPA: &str = "MIIBpzCCAU2gAwIBAgICEjQwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAXDTI2MTEy\
     NzEwNDYzMloYDzIwNTYxMTE5MTA0NjMyWjAgMRAwDgYDVQQKDAdSU1BURVNUMQwwCgYDVQQDDANscGEwWTATBgcqhkjOPQIBBggq\
     hkjOPQMBBwNCAAQvoWD8qOhpTtYyARvzQwUKEwYwY+JF3CVS5jHI3Y6TVH1nHKuTExyHs/auku5gPIPJDvk8Gj24S4/WKnE0IhE5\
     o3IwcDAJBgNVHRMEAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDAjAfBgNVHSMEGDAWgBQdCVWbjXbMrSH5\
     d1TZ4ijAkpOrIzAdBgNVHQ4EFgQUmT46KfrJv46zel811P+Ze68bh8cwCgYIKoZIzj0EAwIDSAAwRQIgMvTA1GZQGjj8PaC4WK3C\
     IrtFF15+epz9C0XztfQBnXsCIQDL99bbzVtpsHE4A1FAj5c2wD3tNDkVF2pLib7mnphqeg==";
const OPENSSL_LIST: &str = "MIH0MIGcAgEBMAoGCCqGSM49BAMCMCMxEDAOBgNVBAoMB1JTUFRFU1QxDzANBgNVBAMMBkxQQSBDQRcNMjYxMTI3MTA0NjMyWhgP\
     MjA1NjA5MzAxMDQ2MzJaMBUwEwICEjQXDTI2MTEyNzEwNDYzMlqgLzAtMB8GA1UdIwQYMBaAFB0JVZuNdsytIfl3VNniKMCSk6sj\
     MAoGA1UdFAQDAgEFMAoGCCqGSM49BAMCA0cAMEQCIHHNTqWN6rVGxflL7V8/Ar8/Jh61GCwwAvMrq8ZuqvKMAiBR8ODqfTplc+q7\
     HfE/5BTjIk6jTsvOxbj4T7RmIZoh2A==";

fn text(ders: &[&[u8]]) -> String {
    let texts: Vec<_> = ders.iter().map(|der| b64(der).as_str().unwrap().to_owned()).collect();
    texts.join(",\n")
}

fn list(number: u32, revoked: &[&Certificate]) -> RevocationList {
    RevocationList {
        number,
        this_update: NOW - 10,
        next_update: Some(NOW + 1000),
        revoked: revoked.iter().map(|certificate| Revoked::of(certificate, NOW - 20)).collect(),
        ..RevocationList::default()
    }
}

fn by(issuer: &Identity, list: &RevocationList) -> Vec<u8> {
    list.sign(issuer).unwrap()
}

/// The tests' server with these lists, or why there is none.
fn try_world(lists: &str, more: &[&Pki], admission: AdmissionText<'_>) -> Result<World, String> {
    World::try_of(more, Configuration { admission, revocation_lists: lists, ..base() })
}

fn world(ders: &[&[u8]]) -> World {
    try_world(&text(ders), &[], AdmissionText::default()).unwrap()
}

/// What an eUICC of the tests' PKI is told.
fn told(world: &World) -> String {
    told_to(world, &world.euicc())
}

fn told_to(world: &World, euicc: &Euicc) -> String {
    euicc.authenticate(world, Some("UNKNOWN")).err().unwrap()
}

/// Got past all checks of certificates: there is no such order.
const BELIEVED: &str = "8.2.6/3.8";
const EUM_REVOKED: &str = "8.1.2/6.1";
const EUICC_REVOKED: &str = "8.1.3/6.1";

fn warnings(world: &World) -> Vec<String> {
    let health = world.operator("health");
    let warnings = health["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning.as_str().unwrap().to_owned()).collect()
}

#[test]
fn euiccs_of_a_revoked_manufacturer_are_refused() {
    let pki = pki(1);
    let lists = [by(&pki.ci, &list(1, &[pki.eum.certificate()]))];
    let world = world(&[&lists[0]]);
    assert_eq!(told(&world), EUM_REVOKED);
    // Neither is believed what they sign later.
    let notification = world.euicc().other_notification(NotificationEvents::DELETE, ICCID);
    let (status, answer) = world.notify(&notification);
    assert_eq!((status, code_of(&answer)), (200, EUM_REVOKED.into()));
    assert!(world.operator("notifications")["notifications"].as_array().unwrap().is_empty());
    let health = world.operator("health");
    let shown = &health["revocationLists"][0];
    assert_eq!((&shown["revoked"], &shown["nextUpdate"]), (&json!(1), &json!(NOW + 1000)));
    assert_eq!(warnings(&world), Vec::<String>::new());
    // As PEM, among text.
    let pem = format!("the list\n-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", text(&[&lists[0]]));
    assert_eq!(told(&try_world(&pem, &[], AdmissionText::default()).unwrap()), EUM_REVOKED);
}

#[test]
fn others_are_not() {
    let pki = pki(1);
    assert_eq!(told(&world(&[])), BELIEVED);
    let nobody = by(&pki.ci, &list(1, &[]));
    assert_eq!(told(&world(&[&nobody])), BELIEVED);
    // A serial number counts under its issuer only: that of an eUICC is none of the CI's.
    let euicc = Euicc::new(&pki, EID);
    let certificate = Certificate::from_der(&euicc.certificate).unwrap();
    let of_ci = by(&pki.ci, &list(1, &[&certificate]));
    assert_eq!(told(&world(&[&of_ci])), BELIEVED);
    // Another CI of the same server says nothing about this one's.
    let other = pki_on(Curve::BrainpoolP256r1, 9);
    let of_other = text(&[&by(&other.ci, &list(1, &[pki.eum.certificate(), other.eum.certificate()]))]);
    let world = try_world(&of_other, &[&other], AdmissionText::default()).unwrap();
    assert_eq!(told(&world), BELIEVED);
    assert_eq!(told_to(&world, &Euicc::new(&other, EID)), EUM_REVOKED);
}

#[test]
fn a_manufacturer_revokes_an_euicc() {
    let pki = pki(1);
    let euicc = Euicc::new(&pki, EID);
    let certificate = Certificate::from_der(&euicc.certificate).unwrap();
    let crl = by(&pki.eum, &list(3, &[&certificate]));
    let world = world(&[&crl, pki.eum.certificate().der()]);
    assert_eq!(told_to(&world, &euicc), EUICC_REVOKED);
    assert_eq!(told_to(&world, &Euicc::new(&pki, OTHER_EID)), BELIEVED);
    assert_eq!(world.operator("health")["revocationLists"][0]["issuer"], "EUM RSP Test EUM");
}

#[test]
fn wrong_lists_are_refused_at_the_start() {
    let pki = pki(1);
    let other = common::pki(2);
    let good = by(&pki.ci, &list(5, &[]));
    let refused = |ders: &[&[u8]]| try_world(&text(ders), &[], AdmissionText::default()).err().unwrap();
    let unknown = "of an unknown issuer";
    assert!(refused(&[&by(&other.ci, &list(1, &[]))]).contains(unknown));
    assert!(
        refused(&[&good, &by(&pki.eum, &list(1, &[]))]).starts_with("SMDP_CRLS: number 2: of an unknown")
    );
    // The EUM's certificate must be under the CI, and an EUM's.
    assert!(refused(&[other.eum.certificate().der()]).contains("under no CI"));
    for no_eum in [&pki.dp_auth, &pki.euicc, &pki.ci] {
        assert!(refused(&[no_eum.certificate().der()]).contains("no EUM's"));
    }
    for at in (0..good.len()).step_by(5) {
        let mut bad = good.clone();
        bad[at] ^= 0x01;
        assert!(refused(&[&bad]).starts_with("SMDP_CRLS: number 1: "), "byte {at}");
    }
    assert!(refused(&[b"nonsense"]).contains("not a revocation list"));
    assert!(try_world("!", &[], AdmissionText::default()).err().unwrap().contains("SMDP_CRLS"));
    let changes = RevocationList { base: Some(4), ..list(6, &[]) };
    let changes = by(&pki.ci, &changes);
    assert!(refused(&[&changes]).contains("changes of a list that is not here"));
    assert!(refused(&[&changes, &by(&pki.ci, &list(3, &[]))]).contains("number 1: it tells the changes"));
    let many: Vec<&[u8]> = vec![&good; 65];
    assert!(refused(&many).contains("one too many"));
}

#[test]
fn the_freshest_counts_whatever_comes_first() {
    let pki = pki(1);
    let eum = pki.eum.certificate();
    let (old, new) = (by(&pki.ci, &list(7, &[eum])), by(&pki.ci, &list(8, &[])));
    for order in [[&old, &new], [&new, &old]] {
        assert_eq!(told(&world(&order.map(Vec::as_slice))), BELIEVED);
    }
    let (old, new) = (by(&pki.ci, &list(7, &[])), by(&pki.ci, &list(8, &[eum])));
    for order in [[&old, &new], [&new, &old]] {
        assert_eq!(told(&world(&order.map(Vec::as_slice))), EUM_REVOKED);
    }
    // Lists of different scopes stand beside each other (RFC 5280 §5.2.5: onlyContainsCACerts).
    let scope = Some(vec![0x30, 0x03, 0x82, 0x01, 0xFF]);
    let of_cas = by(&pki.ci, &RevocationList { scope, ..list(1, &[eum]) });
    assert_eq!(told(&world(&[&of_cas, &by(&pki.ci, &list(8, &[]))])), EUM_REVOKED);
}

#[test]
fn changes_are_made() {
    let pki = pki(1);
    let eum = pki.eum.certificate();
    let base = by(&pki.ci, &list(5, &[]));
    let revokes = by(&pki.ci, &RevocationList { base: Some(5), ..list(6, &[eum]) });
    assert_eq!(told(&world(&[&revokes, &base])), EUM_REVOKED);
    // removeFromCRL (RFC 5280 §5.3.1).
    let mut removal = RevocationList { base: Some(5), ..list(7, &[eum]) };
    removal.revoked[0].reason = Some(8);
    let removes = by(&pki.ci, &removal);
    assert_eq!(told(&world(&[&base, &revokes, &removes])), BELIEVED);
    assert_eq!(told(&world(&[&removes, &revokes, &base])), BELIEVED);
    // Changes before the whole list are in it.
    let whole = by(&pki.ci, &list(9, &[eum]));
    assert_eq!(told(&world(&[&removes, &whole])), EUM_REVOKED);
}

#[test]
fn parts_come_together() {
    let pki = pki(1);
    let eum = pki.eum.certificate();
    let part = |number, revoked: &[&Certificate]| {
        by(&pki.ci, &RevocationList { part: Some(Part { number, total: 3 }), ..list(5, revoked) })
    };
    let parts = [part(1, &[]), part(2, &[eum]), part(3, &[])];
    let all = world(&[&parts[2], &parts[0], &parts[1]]);
    assert_eq!(told(&all), EUM_REVOKED);
    assert_eq!(warnings(&all), Vec::<String>::new());
    let some = world(&[&parts[0], &parts[1]]);
    assert_eq!(told(&some), EUM_REVOKED);
    assert!(warnings(&some)[0].contains("of 3 parts") && warnings(&some)[0].contains("only 2"));
}

#[test]
fn an_old_list_is_used_and_told_of() {
    let pki = pki(1);
    let crl = by(&pki.ci, &list(1, &[pki.eum.certificate()]));
    let world = world(&[&crl]);
    world.clock.set(NOW + 1000);
    assert_eq!(warnings(&world), Vec::<String>::new());
    world.clock.set(NOW + 1001);
    assert!(warnings(&world)[0].contains("out of date; it is still used"));
    assert_eq!(told(&world), EUM_REVOKED);
    world.clock.set(NOW - 11);
    assert!(warnings(&world)[0].contains("of a time to come"));
    assert_eq!(told(&world), EUM_REVOKED);
}

#[test]
fn certificates_of_ours_are_told_of() {
    let pki = pki(1);
    let crl = by(&pki.ci, &list(1, &[pki.dp_pb.certificate()]));
    assert!(warnings(&world(&[&crl]))[0].starts_with("CERT.DPpb under CI"));
    let world = world(&[]);
    assert_eq!(warnings(&world), Vec::<String>::new());
    // All of the tests' PKI ends after 100 days.
    world.clock.set(NOW + 71 * 24 * 3600);
    let health = world.operator("health");
    assert_eq!(health["certificates"].as_array().unwrap().len(), 3);
    assert_eq!(health["certificates"][1]["daysLeft"], 29);
    assert!(
        warnings(&world)[1].contains("CERT.DPauth") && warnings(&world)[1].ends_with("expires in 29 days")
    );
    world.clock.set(NOW - 2000);
    assert_eq!(world.request("GET", "/operator/health", None, b"").status(), 503);
    world.clock.set(NOW + 101 * 24 * 3600);
    let response = world.request("GET", "/operator/health", None, b"");
    assert_eq!(response.status(), 503);
    let said = String::from_utf8(response.into_body()).unwrap();
    assert!(said.contains("CERT.DPpb under CI") && said.contains("has expired"), "{said}");
}

#[test]
fn a_revoked_lpa_stays_outside() {
    let lpas = LpaPki::generate(&mut rng(100), Curve::P256, validity()).unwrap();
    let second = lpas.issue_lpa(&mut rng(101), "second", validity()).unwrap();
    let ca = text(&[lpas.ca.certificate().der()]);
    let crl = text(&[&by(&lpas.ca, &list(1, &[second.certificate()]))]);
    let admission = AdmissionText { mode: "certificate", ca: &ca, ..AdmissionText::default() };
    let mut world = try_world(&crl, &[], admission).unwrap();
    world.lpa = Some(second);
    let refused = world.request("POST", "/gsma/rsp2/es9plus/cancelSession", None, b"{}");
    assert_eq!(refused.status(), 401);
    assert!(String::from_utf8_lossy(refused.body()).contains("Client-Cert: it is revoked"));
    world.lpa = Some(lpas.lpa);
    assert_eq!(world.request("POST", "/gsma/rsp2/es9plus/cancelSession", None, b"{}").status(), 400);
    assert_eq!(world.operator("health")["revocationLists"][0]["issuer"], "LPA CA 1");
}

#[test]
fn a_list_of_openssl() {
    let admission = AdmissionText { mode: "certificate", ca: OPENSSL_CA, ..AdmissionText::default() };
    let world = try_world(OPENSSL_LIST, &[], admission).unwrap();
    let health = world.operator("health");
    assert_eq!(health["revocationLists"][0]["revoked"], 1);
    assert_eq!(warnings(&world), Vec::<String>::new());
    let path = "/gsma/rsp2/es9plus/cancelSession";
    let certificate = unb64(&json!(OPENSSL_LPA));
    let request = httpsig::lpa::Request::new("smdp.example", path, b"{}", &certificate, NOW).unwrap();
    // It is refused before its signature is looked at.
    let mut sent = http::Request::post(format!("https://smdp.example{path}"));
    for (name, value) in request.finish(&[1; 64]) {
        sent = sent.header(name, value);
    }
    let refused = ready(world.smdp.handle(sent.body(b"{}".to_vec()).unwrap()));
    assert_eq!(refused.status(), 401);
    assert!(String::from_utf8_lossy(refused.body()).contains("it is revoked"));
    // Without its CA nobody knows the list.
    let error = try_world(OPENSSL_LIST, &[], AdmissionText::default()).err().unwrap();
    assert!(error.contains("of an unknown issuer"), "{error}");
}
