use super::*;

fn apn(text: &str) -> Apn {
    Apn::parse(text).unwrap()
}

/// Every combination of what a contract may hold.
fn contracts() -> Vec<Contract> {
    let one = || SubscribedApn::One(apn("internet"));
    let sets = [vec![], vec![one()], vec![SubscribedApn::Any], vec![one(), SubscribedApn::Any]];
    let mut contracts = vec![];
    for apns in sets {
        for default_apn in [None, Some(apn("internet"))] {
            for bits in 0..8 {
                contracts.push(Contract {
                    apns: apns.clone(),
                    default_apn: default_apn.clone(),
                    voice: bits & 1 != 0,
                    sms: bits & 2 != 0,
                    data: bits & 4 != 0,
                });
            }
        }
    }
    contracts
}

fn questions() -> Vec<Question> {
    vec![
        Question::Connectivity(RequestedApn::None),
        Question::Connectivity(RequestedApn::Apn(apn("internet"))),
        Question::Connectivity(RequestedApn::Apn(apn("other"))),
        Question::Connectivity(RequestedApn::Malformed),
        Question::Voice { emergency: false },
        Question::Voice { emergency: true },
        Question::Sms,
        Question::Data(Destination::Sm),
        Question::Data(Destination::Elsewhere),
    ]
}

/// The policy written a second time, as the sentences of the description.
fn expected(class: Class, contract: &Contract, question: &Question) -> (Verdict, &'static str) {
    let sm = apn("sm.provisioning");
    let named = contract.apns.contains(&SubscribedApn::One(apn("internet")));
    let any = contract.apns.contains(&SubscribedApn::Any);
    let unknown = (Verdict::Refused(Cause::MissingOrUnknownApn), "apn-not-in-contract");
    let service = |included: bool, cause| {
        if included {
            (Verdict::Permitted, "contract-service")
        } else {
            (Verdict::Refused(cause), "service-not-in-contract")
        }
    };
    match (class, question) {
        (_, Question::Voice { emergency: true }) => (Verdict::Permitted, "emergency-call"),
        (_, Question::Data(Destination::Sm)) => (Verdict::Permitted, "sm-access"),
        (Class::Provisioning, Question::Connectivity(_)) => (Verdict::Connected(sm), "provisioning-apn"),
        (Class::Provisioning, Question::Data(_)) => {
            (Verdict::Refused(Cause::OperatorDeterminedBarring), "provisioning-no-contract")
        }
        (Class::Provisioning, _) => {
            (Verdict::Refused(Cause::CsDomainNotAvailable), "provisioning-no-contract")
        }
        (Class::Operational, Question::Connectivity(requested)) => match requested {
            RequestedApn::Apn(asked) if asked.as_str() == "internet" && named => {
                (Verdict::Connected(asked.clone()), "contract-apn")
            }
            RequestedApn::Apn(asked) if any => (Verdict::Connected(asked.clone()), "contract-any-apn"),
            RequestedApn::None => contract
                .default_apn
                .clone()
                .map_or(unknown, |default| (Verdict::Connected(default), "contract-default-apn")),
            RequestedApn::Apn(_) | RequestedApn::Malformed => unknown,
        },
        (Class::Operational, Question::Voice { .. }) => service(contract.voice, Cause::CsDomainNotAvailable),
        (Class::Operational, Question::Sms) => service(contract.sms, Cause::CsDomainNotAvailable),
        (Class::Operational, Question::Data(_)) => service(contract.data, Cause::ServiceOptionNotSubscribed),
    }
}

#[test]
fn every_class_contract_and_question() {
    let sm_apn = apn("sm.provisioning");
    let mut used = std::collections::BTreeSet::new();
    let mut cases = 0;
    for class in [Class::Provisioning, Class::Operational] {
        for contract in contracts() {
            for question in questions() {
                let facts = Facts { class, contract: &contract, sm_apn: &sm_apn, question: question.clone() };
                let decision = decide(&facts);
                let expected = expected(class, &contract, &question);
                let got = (decision.verdict, decision.because.rule);
                assert_eq!(got, expected, "{class:?} {contract:?} {question:?}");
                used.insert(got.1);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 2 * 64 * 9);
    // No rule is dead, and no question falls through to the default.
    let all: std::collections::BTreeSet<_> = RULES.iter().map(|rule| rule.because.rule).collect();
    assert_eq!(used, all);
}

#[test]
fn a_provisioning_profile_reaches_nothing_but_the_sm() {
    let sm_apn = apn("sm.provisioning");
    for contract in contracts() {
        for question in questions() {
            let facts = Facts {
                class: Class::Provisioning,
                contract: &contract,
                sm_apn: &sm_apn,
                question: question.clone(),
            };
            let permitted = match decide(&facts).verdict {
                Verdict::Permitted => {
                    matches!(question, Question::Data(Destination::Sm) | Question::Voice { emergency: true })
                }
                Verdict::Connected(apn) => apn == sm_apn,
                Verdict::Refused(_) => true,
            };
            assert!(permitted, "{contract:?} {question:?}");
        }
    }
}
