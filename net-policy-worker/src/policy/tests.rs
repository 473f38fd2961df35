use std::collections::BTreeSet;

use super::*;

fn policy() -> Policy {
    Policy::compile(Document::of_deployment("sm.provisioning", "smdp.example").unwrap(), 7).unwrap()
}

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
                    ..Contract::default()
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

/// A verdict without the limits.
#[derive(Debug, PartialEq)]
enum Said {
    Permitted,
    Connected(Apn),
    Refused(Cause),
}

impl From<Verdict> for Said {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Permitted => Self::Permitted,
            Verdict::Connected(connection) => Self::Connected(connection.apn),
            Verdict::Refused(cause) => Self::Refused(cause),
        }
    }
}

/// The policy written a second time, as the sentences of the description.
fn expected(class: Class, contract: &Contract, question: &Question) -> (Said, &'static str) {
    let sm = apn("sm.provisioning");
    let named = contract.apns.contains(&SubscribedApn::One(apn("internet")));
    let any = contract.apns.contains(&SubscribedApn::Any);
    let unknown = (Said::Refused(Cause::MissingOrUnknownApn), "apn-not-in-contract");
    let service = |included: bool, cause| {
        if included {
            (Said::Permitted, "contract-service")
        } else {
            (Said::Refused(cause), "service-not-in-contract")
        }
    };
    match (class, question) {
        (_, Question::Voice { emergency: true }) => (Said::Permitted, "emergency-call"),
        (_, Question::Data(Destination::Sm)) => (Said::Permitted, "sm-access"),
        (Class::Provisioning, Question::Connectivity(_)) => (Said::Connected(sm), "provisioning-apn"),
        (Class::Provisioning, Question::Data(_)) => {
            (Said::Refused(Cause::OperatorDeterminedBarring), "provisioning-no-contract")
        }
        (Class::Provisioning, _) => (Said::Refused(Cause::CsDomainNotAvailable), "provisioning-no-contract"),
        (Class::Operational, Question::Connectivity(requested)) => match requested {
            RequestedApn::Apn(asked) if asked.as_str() == "internet" && named => {
                (Said::Connected(asked.clone()), "contract-apn")
            }
            RequestedApn::Apn(asked) if any => (Said::Connected(asked.clone()), "contract-any-apn"),
            RequestedApn::None => contract
                .default_apn
                .clone()
                .map_or(unknown, |default| (Said::Connected(default), "contract-default-apn")),
            RequestedApn::Apn(_) | RequestedApn::Malformed => unknown,
        },
        (Class::Operational, Question::Voice { .. }) => service(contract.voice, Cause::CsDomainNotAvailable),
        (Class::Operational, Question::Sms) => service(contract.sms, Cause::CsDomainNotAvailable),
        (Class::Operational, Question::Data(_)) => service(contract.data, Cause::ServiceOptionNotSubscribed),
    }
}

#[test]
fn every_class_contract_and_question() {
    let policy = policy();
    let mut used = BTreeSet::new();
    let mut cases = 0;
    for class in [Class::Provisioning, Class::Operational] {
        for contract in contracts() {
            for question in questions() {
                let decision = policy.decide(&facts(class, &contract, &question));
                let (verdict, rule) = expected(class, &contract, &question);
                assert_eq!(decision.version, 7);
                assert_eq!(Said::from(decision.verdict), verdict, "{class:?} {contract:?} {question:?}");
                assert_eq!(*decision.because.rule, *rule, "{class:?} {contract:?} {question:?}");
                used.insert(rule);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 2 * 64 * 9);
    // No rule is dead, and no question falls through to the default.
    let rules = policy.document().rules.iter().map(|rule| rule.name.as_str());
    let all: BTreeSet<_> = rules.filter(|name| *name != "roaming-not-in-contract").collect();
    assert_eq!(used, all);
}

fn facts<'a>(class: Class, contract: &'a Contract, question: &Question) -> Facts<'a> {
    const HOME: &Situation = &Situation { access: Access::Eps, visited: None, tac: None };
    let used = document::UsedToday::default();
    Facts { class, contract, imsi: "001010000000001", situation: HOME, used, question: question.clone() }
}

#[test]
fn a_provisioning_profile_reaches_nothing_but_the_sm() {
    let policy = policy();
    for contract in contracts() {
        for question in questions() {
            let permitted = match policy.decide(&facts(Class::Provisioning, &contract, &question)).verdict {
                Verdict::Permitted => {
                    matches!(question, Question::Data(Destination::Sm) | Question::Voice { emergency: true })
                }
                Verdict::Connected(connection) => connection.apn == *policy.sm_apn(),
                Verdict::Refused(_) => true,
            };
            assert!(permitted, "{contract:?} {question:?}");
        }
    }
}
