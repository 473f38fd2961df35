//! What a request tells of whose it is, before it is answered.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use edge_smdp::router::Owner;
use http::Request;
use serde_json::{Value, json};

fn owner(world: &World, path: &str, token: Option<&str>, body: &Value) -> Option<Owner> {
    let mut request = Request::builder().method("POST").uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    world.smdp.owner(&request.body(body.to_string().into_bytes()).unwrap())
}

fn es9(world: &World, function: &str, body: &Value) -> Option<Owner> {
    owner(world, &format!("https://smdp.example/gsma/rsp2/es9plus/{function}"), None, body)
}

#[test]
fn every_call_of_a_session_tells_whose_it_is() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    assert_eq!(es9(&world, "initiateAuthentication", &euicc.initiate_request()), None);

    let (id, server) = euicc.initiate(&world);
    let transaction = || id.parse().unwrap();
    let (request, _) = euicc.authenticate_request(&id, euicc.signed1(&server, Some(&matching_id)));
    let meant = Owner::MatchingId(matching_id.parse().unwrap(), transaction());
    assert_eq!(es9(&world, "authenticateClient", &request), Some(meant));
    // By EID: nobody knows where before the eUICC has proven itself.
    let (by_eid, _) = euicc.authenticate_request(&id, euicc.signed1(&server, None));
    assert_eq!(es9(&world, "authenticateClient", &by_eid), None);
    // A session that this server did not begin leads nowhere.
    let mut foreign = request;
    foreign["transactionId"] = "00112233445566778899AABBCCDDEEFF".into();
    assert_eq!(es9(&world, "authenticateClient", &foreign), None);

    for function in ["getBoundProfilePackage", "cancelSession"] {
        let request = json!({ "transactionId": id, "more": "" });
        assert_eq!(es9(&world, function, &request), Some(Owner::Session(transaction())));
    }

    let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
    for named in [Some(ICCID), None] {
        let result = euicc.installation_result(&open, named, None);
        let request = json!({ "pendingNotification": b64(&result) });
        let expected = named.map(|iccid| Owner::Profile(iccid.parse().unwrap()));
        assert_eq!(es9(&world, "handleNotification", &request), expected);
    }
}

#[test]
fn only_the_operator_has_a_profile_looked_for() {
    let world = World::new();
    let path = "https://smdp.example/gsma/rsp2/es2plus/releaseProfile";
    let request = json!({ "iccid": ICCID });
    let expected = Owner::Profile(ICCID.parse().unwrap());
    assert_eq!(owner(&world, path, Some(TOKEN), &request), Some(expected));
    assert_eq!(owner(&world, path, Some("another"), &request), None);
    assert_eq!(owner(&world, path, None, &request), None);
    assert_eq!(owner(&world, path, Some(TOKEN), &json!({ "profileType": "plan" })), None);
}

#[test]
fn what_cannot_be_read_is_nobodys() {
    let world = World::new();
    for function in ["authenticateClient", "getBoundProfilePackage", "handleNotification", "getEverything"] {
        for body in
            [json!(null), json!([]), json!({}), json!({ "transactionId": 7 }), json!("x".repeat(70_000))]
        {
            assert_eq!(es9(&world, function, &body), None, "{function} {body}");
        }
    }
    assert_eq!(owner(&world, "/operator/profiles", Some(TOKEN), &json!({})), None);
}
