use rsp_crypto::chain::CiKey;

use crate::{EID, Subscription, Trust};

const SEED: [u8; 32] = [7; 32];
const NOW: u64 = 1_750_000_000;

#[test]
fn a_seed_makes_one_laboratory() {
    let provisioning = Subscription::provisioning(&SEED);
    let make = || {
        let trust = Trust::generate(SEED, "localhost:8787", NOW).unwrap();
        (trust.chip_identity(&provisioning), trust.smdp_credentials())
    };
    assert_eq!(make(), make());
    assert_eq!(make().0["eid"], EID);
    let other = Trust::generate([8; 32], "localhost:8787", NOW).unwrap();
    assert_ne!(other.smdp_credentials(), make().1);
}

#[test]
fn the_eid_checks_and_begins_as_the_manufacturer_s() {
    let eid: rsp::Eid = EID.parse().unwrap();
    assert!(eid.has_valid_check_digits());
    let pki = Trust::pki(SEED, "localhost", NOW).unwrap();
    assert!(pki.eum.certificate().permits_subject_of(pki.euicc.certificate()));
    assert!(CiKey::from_certificate(pki.ci.certificate()).is_some());
}

#[test]
fn every_subscription_makes_a_valid_profile() {
    let mut all = Subscription::operational(&SEED);
    all.push(Subscription::provisioning(&SEED));
    for subscription in &all {
        let package = saip::Package::decode(&subscription.package()).unwrap();
        assert_eq!(package.imsi().unwrap().as_str(), subscription.imsi);
        assert_eq!(subscription.network_record()["k"], subscription.operator_upload()["subscriber"]["k"]);
        let same =
            all.iter().filter(|other| other.imsi == subscription.imsi || other.iccid == subscription.iccid);
        assert_eq!(same.count(), 1);
    }
}

#[test]
fn the_published_test_pki_takes_its_place() {
    if vectors::read("data/sgp26-certs/README.md").is_none() {
        return;
    }
    let trust = Trust::sgp26(|name| vectors::read(&format!("data/sgp26-certs/{name}"))).unwrap();
    assert_eq!(trust.eid().to_string(), "89049032123451234512345678901235");
    assert!(Trust::sgp26(|_| None).is_err());
}
