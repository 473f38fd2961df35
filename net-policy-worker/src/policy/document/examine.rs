//! A document looked at as a whole: what is wrong with it, and what is only strange.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    Ambr, ApnPattern, Destination, Document, Imsis, Kind, Limits, MAX_BYTES, Qos, Requested, Rule, SmEntry,
    Target, Then, When,
};
use crate::gateway::audit::AUTHENTICATION;
use crate::policy::{Class, DEFAULT};

/// Most rules.
const MAX_RULES: usize = 20_000;
/// Most SMs.
const MAX_ENTRIES: usize = 256;
/// Most of what a condition or a class lists.
const MAX_LIST: usize = 1_000;
/// Longest texts, in characters.
const MAX_NAME: usize = 64;
const MAX_WORDS: usize = 200;
const MAX_NOTE: usize = 1_000;
/// Most of what all conditions together list: so much an isolate has room for, several times.
const MAX_LISTED: usize = 100_000;
/// Most comparisons, of rules and of what they list, to find rules that are never reached.
const MAX_COMPARED: usize = 4_000_000;
/// Most findings of each level that are told.
const MAX_FINDINGS: usize = 200;

/// Names that are said of what no rule decided.
const RESERVED: [&str; 3] = [DEFAULT, "gateway", AUTHENTICATION];

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The document is refused.
    Error,
    /// It is taken.
    Warning,
}

/// Something about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// Where: `rules[3].then.connect.apn`.
    pub path: String,
    /// What.
    pub says: String,
}

/// What was found. So many of each level are kept, so that no number of warnings hides an error.
#[derive(Default)]
struct Findings {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Findings {
    fn error(&mut self, path: impl Into<String>, says: impl Into<String>) {
        add(&mut self.errors, Level::Error, path.into(), says.into());
    }

    fn warn(&mut self, path: impl Into<String>, says: impl Into<String>) {
        add(&mut self.warnings, Level::Warning, path.into(), says.into());
    }

    /// All of them, errors first.
    fn told(self) -> Vec<Finding> {
        let Self { mut errors, warnings } = self;
        errors.extend(warnings);
        errors
    }
}

fn add(findings: &mut Vec<Finding>, level: Level, path: String, says: String) {
    if findings.len() < MAX_FINDINGS {
        findings.push(Finding { level, path, says });
    }
}

impl Document {
    /// What is wrong with the document, errors first, and what is strange.
    #[must_use]
    pub fn examine(&self) -> Vec<Finding> {
        let mut findings = Findings::default();
        for (path, text) in [("author", &self.author), ("note", &self.note)] {
            if text.chars().count() > MAX_NOTE {
                findings.error(path, format!("longer than {MAX_NOTE} characters"));
            }
        }
        self.examine_access(&mut findings);
        if self.classes.provisioning.len() > MAX_LIST {
            findings.error("classes.provisioning", format!("more than {MAX_LIST}"));
        }
        if self.rules.len() > MAX_RULES {
            findings.error("rules", format!("more than {MAX_RULES}"));
            return findings.told();
        }
        let listed = |rule: &Rule| {
            let When { question, apn, imsi, tac, visited, .. } = &rule.when;
            question.len() + apn.len() + imsi.len() + tac.len() + visited.len()
        };
        if self.rules.iter().map(listed).sum::<usize>() > MAX_LISTED {
            findings.error("rules", format!("all conditions together list more than {MAX_LISTED}"));
            return findings.told();
        }
        if self.rules.is_empty() {
            findings.warn("rules", "there are none: everything is refused");
        }
        let mut names = HashMap::new();
        for (at, rule) in self.rules.iter().enumerate() {
            examine_rule(rule, &format!("rules[{at}]"), &mut findings);
            if let Some(first) = names.insert(rule.name.as_str(), at) {
                findings.error(format!("rules[{at}].name"), format!("rules[{first}] has it"));
            }
        }
        self.examine_reach(&mut findings);
        // What is not said is written out, so that what is kept may be longer than what was sent.
        if self.kept().is_none_or(|text| text.len() > MAX_BYTES) {
            findings.error(".", format!("longer than {MAX_BYTES} bytes once all of it is written out"));
        }
        findings.told()
    }

    fn examine_access(&self, findings: &mut Findings) {
        let entries = &self.sm_access.entries;
        if entries.len() > MAX_ENTRIES {
            findings.error("smAccess.entries", format!("more than {MAX_ENTRIES}"));
            return;
        }
        if entries.is_empty() {
            findings.warn("smAccess.entries", "there are none: nobody reaches an SM");
        }
        let mut known = HashSet::new();
        for (at, entry) in entries.iter().enumerate() {
            let path = format!("smAccess.entries[{at}]");
            examine_entry(entry, &path, findings);
            if let Some(address) = entry.address()
                && !known.insert(address.to_string())
            {
                findings.error(format!("{path}.host"), "this host and port is listed already");
            }
        }
    }

    /// Rules behind others that decide all they could.
    fn examine_reach(&self, findings: &mut Findings) {
        // What does not name what a later rule names can only be before it if it names nothing
        // of the sort, or the same.
        let mut open: Vec<usize> = vec![];
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        let mut compared = 0;
        for (at, rule) in self.rules.iter().enumerate() {
            let keyed = keys_of(&rule.when).filter_map(|key| by_key.get(&key)).flatten();
            let mut shadow = None;
            for &before in open.iter().chain(keyed) {
                compared += 1;
                if compared > MAX_COMPARED {
                    findings.warn("rules", "too many to look whether all of them can be reached");
                    return;
                }
                let earlier = self.rules.get(before);
                if earlier.is_some_and(|earlier| decides_all_of(earlier, rule, &mut compared)) {
                    shadow = Some(before);
                    break;
                }
            }
            if let Some(before) = shadow {
                let name = self.rules.get(before).map_or("", |rule| rule.name.as_str());
                findings.warn(format!("rules[{at}]"), format!("never reached: {name} decides before it"));
            } else {
                // The first key of a list is enough: all of a later rule's are looked up.
                match own_keys(&rule.when) {
                    keys if keys.is_empty() => open.push(at),
                    keys => keys.into_iter().for_each(|key| by_key.entry(key).or_default().push(at)),
                }
            }
        }
    }
}

/// What a rule can be found by when a later one is compared with it.
fn own_keys(when: &When) -> Vec<String> {
    let exact = |pattern: &ApnPattern| match pattern {
        ApnPattern::Exactly(apn) => Some(format!("apn {apn}")),
        ApnPattern::Begins(_) | ApnPattern::Ends(_) => None,
    };
    if !when.imsi.is_empty() {
        return when.imsi.iter().map(imsi_key).collect();
    }
    if !when.tac.is_empty() {
        return when.tac.iter().map(|tac| format!("tac {}", tac.as_str())).collect();
    }
    if !when.visited.is_empty() {
        return when.visited.iter().map(|plmn| format!("visited {}", plmn.as_str())).collect();
    }
    when.apn.iter().map(exact).collect::<Option<_>>().unwrap_or_default()
}

/// What the rules can be found by that could decide before one with this condition.
fn keys_of(when: &When) -> impl Iterator<Item = String> {
    let imsis = when.imsi.iter().take(1).flat_map(|imsis| {
        let digits = match imsis {
            Imsis::Prefix(prefix) => prefix.as_str(),
            Imsis::Range(..) => "",
        };
        (1..=digits.len())
            .filter_map(|length| Some(format!("imsi {}", digits.get(..length)?)))
            .chain([imsi_key(imsis)])
            .collect::<HashSet<_>>()
    });
    let tacs = when.tac.iter().take(1).map(|tac| format!("tac {}", tac.as_str()));
    let visited = when.visited.iter().take(1).map(|plmn| format!("visited {}", plmn.as_str()));
    let apns = when.apn.iter().take(1).filter_map(|pattern| match pattern {
        ApnPattern::Exactly(apn) => Some(format!("apn {apn}")),
        ApnPattern::Begins(_) | ApnPattern::Ends(_) => None,
    });
    imsis.chain(tacs).chain(visited).chain(apns)
}

fn imsi_key(imsis: &Imsis) -> String {
    match imsis {
        Imsis::Prefix(prefix) => format!("imsi {prefix}"),
        Imsis::Range(from, to) => format!("imsi {from}-{to}"),
    }
}

/// Whether `earlier` certainly holds wherever `later` does. What it compares is added to
/// `compared`; with lists as long as may be that is some millions.
fn decides_all_of(earlier: &Rule, later: &Rule, compared: &mut usize) -> bool {
    /// Whether a list of the earlier rule has all that one of the later has.
    fn all_of<T>(earlier: &[T], later: &[T], compared: &mut usize, covers: impl Fn(&T, &T) -> bool) -> bool {
        let mut covers = |own: &T, one: &T| {
            *compared += 1;
            covers(own, one)
        };
        earlier.is_empty()
            || (!later.is_empty() && later.iter().all(|one| earlier.iter().any(|own| covers(own, one))))
    }
    fn same<T: PartialEq>(earlier: Option<&T>, later: Option<&T>) -> bool {
        earlier.is_none() || earlier == later
    }
    let (before, after) = (&earlier.when, &later.when);
    // What it connects to may not be there.
    let implied = match &earlier.then {
        Then::Connect(connect) => match connect.apn {
            Target::Sm | Target::Named(_) => true,
            Target::Requested => {
                !after.apn.is_empty()
                    || matches!(
                        after.requested,
                        Some(
                            Requested::WellFormed
                                | Requested::InContract
                                | Requested::AnyInContract
                                | Requested::Sm
                        )
                    )
            }
            Target::ContractDefault => false,
        },
        Then::Permit(_) => true,
        Then::Refuse(refuse) => {
            let asked = |kind: &Kind| after.question.is_empty() || after.question.contains(kind);
            *compared += after.question.len();
            Kind::ALL.iter().filter(|kind| asked(kind)).all(|kind| refuse.cause.of(*kind).is_some())
        }
    };
    let range = |own: &Imsis, one: &Imsis| match (own, one) {
        (Imsis::Prefix(own), Imsis::Prefix(one)) => one.starts_with(own.as_str()),
        (Imsis::Prefix(own), Imsis::Range(from, to)) => {
            from.starts_with(own.as_str()) && to.starts_with(own.as_str())
        }
        (Imsis::Range(..), Imsis::Range(from, to)) => own.contains(from) && own.contains(to),
        (Imsis::Range(..), Imsis::Prefix(_)) => false,
    };
    let pattern = |own: &ApnPattern, one: &ApnPattern| match one {
        ApnPattern::Exactly(apn) => own.matches(apn),
        one => own == one || *own == ApnPattern::Begins(String::new()),
    };
    implied
        && all_of(&before.question, &after.question, compared, PartialEq::eq)
        && same(before.class.as_ref(), after.class.as_ref())
        && same(before.requested.as_ref(), after.requested.as_ref())
        && same(before.emergency.as_ref(), after.emergency.as_ref())
        && same(before.destination.as_ref(), after.destination.as_ref())
        && same(before.included.as_ref(), after.included.as_ref())
        && same(before.access.as_ref(), after.access.as_ref())
        && same(before.roaming.as_ref(), after.roaming.as_ref())
        && same(before.roaming_agreed.as_ref(), after.roaming_agreed.as_ref())
        && before.used.is_none_or(|least| {
            let after = after.used.unwrap_or_default();
            after.attaches >= least.attaches && after.bytes >= least.bytes
        })
        && all_of(&before.apn, &after.apn, compared, pattern)
        && all_of(&before.imsi, &after.imsi, compared, range)
        && all_of(&before.tac, &after.tac, compared, PartialEq::eq)
        && all_of(&before.visited, &after.visited, compared, PartialEq::eq)
}

fn examine_entry(entry: &SmEntry, path: &str, findings: &mut Findings) {
    match entry.address() {
        None => findings.error(format!("{path}.host"), "this is no host name in ASCII, or the port is 0"),
        Some(address) if address.is_literal() => {
            findings.error(format!("{path}.host"), "an address literal instead of a name");
        }
        Some(_) => {}
    }
    let inside = !entry.outside;
    if !inside && entry.address().is_some_and(|address| !address.could_be_public()) {
        let says = "no public name: reached only where the deployment permits others";
        findings.warn(format!("{path}.host"), says);
    }
    if entry.paths.is_empty() || entry.paths.len() > 16 {
        findings.error(format!("{path}.paths"), "1 to 16 of them");
    }
    for (at, prefix) in entry.paths.iter().enumerate() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
        let segments = || prefix.trim_matches('/').split('/');
        if !(prefix.starts_with('/')
            && prefix.ends_with('/')
            && (2..=128).contains(&prefix.len())
            && prefix.bytes().all(plain)
            && segments().all(|segment| !matches!(segment, "" | "." | "..")))
        {
            let says = "it begins and ends with / and has plain segments of letters, digits and -_.";
            findings.error(format!("{path}.paths[{at}]"), says);
        } else if inside && !prefix.starts_with("/gsma/rsp2/") {
            findings.warn(format!("{path}.paths[{at}]"), "more of the SM than its RSP interfaces");
        }
    }
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];
    if entry.methods.is_empty() {
        findings.error(format!("{path}.methods"), "none");
    }
    for (at, method) in entry.methods.iter().enumerate() {
        if !known.contains(&method.as_str()) {
            findings.error(format!("{path}.methods[{at}]"), "GET, HEAD, POST, PUT, DELETE or PATCH");
        }
    }
    if entry.addresses.len() > 64 {
        findings.error(format!("{path}.addresses"), "more than 64");
    }
    for (at, address) in entry.addresses.iter().enumerate() {
        if network(address).is_none() {
            findings.error(format!("{path}.addresses[{at}]"), "an IP address, or one with / and a length");
        }
    }
}

/// An IP address and how many bits of it count.
pub(crate) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => most,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|length| *length <= most)?
        }
        Some(_) => return None,
    };
    Some((address, length))
}

fn examine_rule(rule: &Rule, path: &str, findings: &mut Findings) {
    let name = rule.name.as_str();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
        findings.error(format!("{path}.name"), format!("1 to {MAX_NAME} of a to z, 0 to 9 and -"));
    } else if RESERVED.contains(&name) {
        findings.error(format!("{path}.name"), "what is not decided by a rule is called so");
    }
    let words = rule.words.chars().count();
    if rule.words.trim().is_empty() || words > MAX_WORDS || rule.words.chars().any(char::is_control) {
        findings.error(format!("{path}.words"), format!("1 to {MAX_WORDS} characters, for people"));
    }
    examine_when(&rule.when, path, findings);
    let only = |kinds: &[Kind]| {
        !rule.when.question.is_empty() && rule.when.question.iter().all(|kind| kinds.contains(kind))
    };
    let provisioning = rule.when.class != Some(Class::Operational);
    match &rule.then {
        Then::Connect(connect) => {
            let path = format!("{path}.then.connect");
            if !only(&[Kind::Connectivity]) {
                findings.error(
                    format!("{path}.apn"),
                    "only what asks for connectivity is connected: when.question",
                );
            }
            if provisioning && connect.apn != Target::Sm && !connect.beyond_sm {
                findings.error(
                    format!("{path}.apn"),
                    "a provisioning profile would be connected to more than the SM: say sm, or class operational, or beyondSm",
                );
            }
            if let Target::Named(apn) = &connect.apn {
                let says = format!("{apn}, whether the contract has it or not");
                findings.warn(format!("{path}.apn"), says);
            }
            if provisioning && connect.limits.bytes.is_none() && connect.limits.bytes_per_day.is_none() {
                findings.warn(format!("{path}.limits"), "a provisioning profile without a limit of bytes");
            }
            examine_limits(&connect.limits, &format!("{path}.limits"), findings);
            if let Some(qos) = &connect.qos {
                examine_qos(qos, &format!("{path}.qos"), findings);
            }
            if let Some(ambr) = &connect.ambr {
                examine_ambr(ambr, &format!("{path}.ambr"), findings);
            }
        }
        Then::Permit(permit) => {
            let path = format!("{path}.then.permit");
            if !only(&[Kind::Voice, Kind::Sms, Kind::Data]) {
                findings.error(path.as_str(), "calls, messages and packets are permitted: when.question");
            }
            let elsewhere =
                rule.when.question.contains(&Kind::Data) && rule.when.destination != Some(Destination::Sm);
            if provisioning && elsewhere && !permit.beyond_sm {
                findings.error(
                    path.as_str(),
                    "a provisioning profile would reach more than the SM: say destination sm, or class operational, or beyondSm",
                );
            }
        }
        Then::Refuse(refuse) => {
            let kinds = if rule.when.question.is_empty() { &Kind::ALL[..] } else { &rule.when.question };
            for kind in kinds.iter().filter(|kind| refuse.cause.of(**kind).is_none()) {
                findings
                    .error(format!("{path}.then.refuse.cause"), format!("none for {kind:?}").to_lowercase());
            }
        }
    }
}

/// What a condition says that can never hold, or not so.
fn examine_when(when: &When, path: &str, findings: &mut Findings) {
    let path = format!("{path}.when");
    for (field, length) in [
        ("question", when.question.len()),
        ("apn", when.apn.len()),
        ("imsi", when.imsi.len()),
        ("tac", when.tac.len()),
        ("visited", when.visited.len()),
    ] {
        if length > MAX_LIST {
            findings.error(format!("{path}.{field}"), format!("more than {MAX_LIST}"));
        }
    }
    let asks = |kind: Kind| when.question.is_empty() || when.question.contains(&kind);
    let mut needs = |field: &str, said: bool, possible: bool, of: &str| {
        if said && !possible {
            findings.error(format!("{path}.{field}"), format!("never holds: only {of}"));
        }
    };
    needs("apn", !when.apn.is_empty(), asks(Kind::Connectivity), "connectivity asks for an APN");
    needs("requested", when.requested.is_some(), asks(Kind::Connectivity), "connectivity asks for an APN");
    needs("emergency", when.emergency.is_some(), asks(Kind::Voice), "a call is an emergency call");
    needs("destination", when.destination.is_some(), asks(Kind::Data), "packets have a destination");
    let included = asks(Kind::Voice) || asks(Kind::Sms) || asks(Kind::Data);
    needs("included", when.included.is_some(), included, "calls, messages and packets are included");
    let groups = [
        !when.apn.is_empty() || when.requested.is_some(),
        when.emergency.is_some(),
        when.destination.is_some(),
    ];
    if groups.into_iter().filter(|said| *said).count() > 1
        || (when.included.is_some() && groups.first() == Some(&true))
    {
        findings.error(path.as_str(), "never holds: no question is of all these kinds");
    }
    if !when.apn.is_empty() && matches!(when.requested, Some(Requested::None | Requested::Malformed)) {
        findings.error(format!("{path}.apn"), "never holds: requested says that there is none");
    }
}

fn examine_limits(limits: &Limits, path: &str, findings: &mut Findings) {
    let most = crate::service::OPERATIONAL_LIFETIME / 1000;
    if limits.seconds.is_some_and(|seconds| seconds == 0 || seconds > most) {
        findings.error(format!("{path}.seconds"), format!("1 to {most}"));
    }
    for (field, value) in [
        ("bytes", limits.bytes),
        ("bytesPerDay", limits.bytes_per_day),
        ("requestsPerMinute", limits.requests_per_minute),
        ("attachesPerDay", limits.attaches_per_day),
    ] {
        // What JavaScript can count.
        if value.is_some_and(|value| value == 0 || value > 1 << 53) {
            findings.error(format!("{path}.{field}"), "1 to 2^53; to allow none, refuse");
        }
    }
}

fn examine_qos(qos: &Qos, path: &str, findings: &mut Findings) {
    if qos.qci == 0 || qos.qci == 255 {
        findings.error(format!("{path}.qci"), "1 to 254");
    }
    if !(1..=15).contains(&qos.arp.priority) {
        findings.error(format!("{path}.arp.priority"), "1 to 15");
    }
    if let Some(ambr) = &qos.ambr {
        examine_ambr(ambr, &format!("{path}.ambr"), findings);
    }
}

fn examine_ambr(ambr: &Ambr, path: &str, findings: &mut Findings) {
    if [ambr.uplink, ambr.downlink].iter().any(|rate| !(1..=1 << 53).contains(rate)) {
        findings.error(path, "1 to 2^53 bits a second");
    }
}
