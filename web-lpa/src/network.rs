//! The network as a terminal sees it: JSON of its HTTP API.

use serde::{Deserialize, Serialize};
use words::{Text, text};

use crate::said;

/// RAND and AUTN for the card, in hex.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Names the attach when it is answered.
    pub attach_id: String,
    /// RAND.
    pub rand: String,
    /// AUTN.
    pub autn: String,
    /// The serving network's name, in 5G.
    #[serde(default)]
    pub serving_network: Option<String>,
}

/// By which access a phone attaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// 4G: by the IMSI.
    #[default]
    Eps,
    /// 5G: by the concealed identity, later by the temporary one.
    #[serde(rename = "5g")]
    FiveG,
}

/// By what a phone says who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// The permanent identity.
    Imsi(String),
    /// The concealed one (TS 23.003 §2.2B).
    Suci(String),
    /// The temporary one, good for one attach.
    Guti(String),
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Imsi(identity) | Self::Suci(identity) => f.write_str(identity),
            Self::Guti(guti) => write!(f, "5G-GUTI {guti}"),
        }
    }
}

/// What the network answers to a proof.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum AttachAnswer {
    /// The phone is attached.
    Session(Box<Session>),
    /// The sequence number was taken over; once more.
    Challenge(Challenge),
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Names the session.
    pub session_id: String,
    /// Whose it is.
    pub imsi: String,
    /// `provisioning` or `operational`.
    pub class: String,
    /// By which access it came.
    #[serde(default)]
    pub access: Access,
    /// The temporary identity to come again with.
    #[serde(default)]
    pub guti: Option<String>,
    /// The APN.
    pub apn: Apn,
    /// The phone's address.
    pub address: String,
    /// What may be used.
    pub services: Services,
    /// How well the phone is served.
    #[serde(default)]
    pub qos: Option<Qos>,
    /// What has been used, and of how much.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// When it began: milliseconds since 1970.
    #[serde(default)]
    pub since: u64,
    /// When it ends.
    #[serde(default)]
    pub expires: u64,
}

/// Quality of service (TS 23.203 §6.1.7).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Qos {
    /// QCI, or 5QI.
    pub qci: u8,
    /// Allocation and retention priority.
    pub arp: Arp,
    /// The most bits a second.
    #[serde(default)]
    pub ambr: Option<Ambr>,
}

/// Allocation and retention priority.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Arp {
    /// 1 (first) to 15 (last).
    pub priority: u8,
}

/// The most bits a second of a session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Ambr {
    /// From the phone.
    pub uplink: u64,
    /// To the phone.
    pub downlink: u64,
}

impl std::fmt::Display for Qos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QCI {} · ARP {}", self.qci, self.arp.priority)?;
        match &self.ambr {
            Some(Ambr { uplink, downlink }) => write!(f, " · ↑ {} ↓ {}", rate(*uplink), rate(*downlink)),
            None => Ok(()),
        }
    }
}

/// What a session has used, and of how much.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Requests that were let out.
    pub requests: u64,
    /// Requests that a limit kept in.
    pub refused: u64,
    /// Bytes from the phone.
    pub bytes_up: u64,
    /// Bytes to the phone.
    pub bytes_down: u64,
    /// The limits; what is not there is not limited.
    pub of: Limits,
}

/// How much of a connection there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Of a session, in seconds.
    pub seconds: Option<u64>,
    /// Of a session, both ways.
    pub bytes: Option<u64>,
    /// Of a subscriber on a day.
    pub bytes_per_day: Option<u64>,
    /// Of a session.
    pub requests_per_minute: Option<u64>,
    /// Of a subscriber on a day.
    pub attaches_per_day: Option<u64>,
}

/// How much, as people write it: `16.8 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    scaled(count, "B")
}

/// How fast: `5 Mbit/s`.
#[must_use]
pub fn rate(bits: u64) -> String {
    scaled(bits, "bit/s")
}

fn scaled(count: u64, unit: &str) -> String {
    let (mut value, mut prefix) = (count as f64, "");
    for larger in ["k", "M", "G", "T"] {
        if value < 999.5 {
            break;
        }
        (value, prefix) = (value / 1000.0, larger);
    }
    let digits = usize::from(value < 99.95 && value.fract() >= 0.05);
    format!("{value:.digits$} {prefix}{unit}")
}

/// How long, in minutes and hours as people say it.
#[must_use]
pub fn span(seconds: u64) -> Text<String> {
    match seconds {
        0..60 => text!("{seconds} s", "{seconds} 秒"),
        60..7200 => text!("{} min", "{} 分", seconds / 60),
        _ => text!("{} h", "{} 時間", seconds / 3600),
    }
}

/// The APN of a session, and why this one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Apn {
    /// What the phone asked for.
    pub requested: Option<String>,
    /// What it was given.
    pub given: String,
    /// Why.
    pub because: String,
    /// The rule that decided.
    pub rule: String,
    /// The version of the policy it is of.
    #[serde(default)]
    pub version: u64,
}

impl Apn {
    /// Why, in words.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        reason(&self.rule, &self.because)
    }
}

/// The verdicts on the services of a session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Services {
    /// Packets.
    pub data: Verdict,
    /// Calls.
    pub voice: Verdict,
    /// Short messages.
    pub sms: Verdict,
}

/// Yes or no, and why.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// `permitted` or `refused`.
    pub verdict: String,
    /// Why.
    pub because: String,
    /// The rule that decided.
    pub rule: String,
    /// The cause of a refusal as a terminal is told it.
    #[serde(default)]
    pub cause: Option<Cause>,
}

impl Verdict {
    /// Whether it is yes.
    #[must_use]
    pub fn permitted(&self) -> bool {
        self.verdict == "permitted"
    }

    /// Why, in words.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        reason(&self.rule, &self.because)
    }

    /// The cause and the rule, for people who know them.
    #[must_use]
    pub fn codes(&self) -> Text<String> {
        joined(self.cause.as_ref().map(Cause::words).into_iter().chain([rule_words(&self.rule)]))
    }
}

fn rule_words(rule: &str) -> Text<String> {
    text!("rule {rule}", "ルール {rule}")
}

/// Codes behind each other.
fn joined(codes: impl Iterator<Item = Text<String>>) -> Text<String> {
    let pair = |one: Text<String>, other: Text<String>| {
        Text::new(format!("{} · {}", one.en, other.en), format!("{} · {}", one.ja, other.ja))
    };
    codes.reduce(pair).unwrap_or_default()
}

/// A cause of 3GPP TS 24.301 or TS 24.501.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Cause {
    /// `EMM` or `ESM`; in 5G `5GMM` or `5GSM`.
    pub protocol: String,
    /// Its value.
    pub number: u8,
    /// Its name.
    pub name: String,
}

impl Cause {
    /// In words: with its number, by which people look it up. English is the standard's own name,
    /// as the network gives it; what is not known here keeps that name in every language.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        let Self { protocol, number, name } = self;
        let known = CAUSES.iter().find(|(family, value, _)| family.has(protocol) && value == number);
        let ja = known.map_or(name.as_str(), |(.., ja)| ja);
        text!("{protocol} cause {number} ({name})", "{protocol} 原因値 {number}（{ja}）")
    }
}

/// Which of the two a cause is of. Values mean the same with EPS and in 5G (TS 24.501 §9.11.3.2 and
/// §9.11.4.2 took them over), but for words that are 5G's own.
#[derive(Clone, Copy)]
enum Family {
    /// Mobility of EPS: TS 24.301 §9.9.3.9.
    Emm,
    /// Sessions of EPS: TS 24.301 §9.9.4.4.
    Esm,
    /// Mobility of 5G: TS 24.501 §9.11.3.2.
    FiveGmm,
    /// Sessions of 5G: TS 24.501 §9.11.4.2.
    FiveGsm,
    /// Mobility, of both.
    Mobility,
    /// Sessions, of both.
    Session,
}

impl Family {
    fn has(self, protocol: &str) -> bool {
        match self {
            Self::Emm => protocol == "EMM",
            Self::Esm => protocol == "ESM",
            Self::FiveGmm => protocol == "5GMM",
            Self::FiveGsm => protocol == "5GSM",
            Self::Mobility => matches!(protocol, "EMM" | "5GMM"),
            Self::Session => matches!(protocol, "ESM" | "5GSM"),
        }
    }
}

/// The causes that the network uses, in Japanese.
const CAUSES: [(Family, u8, &str); 24] = [
    (Family::Emm, 2, "HSS に登録されていない IMSI"),
    (Family::Mobility, 3, "不正な端末（UE）"),
    (Family::Emm, 7, "EPS サービス利用不可"),
    (Family::FiveGmm, 7, "5GS サービス利用不可"),
    (Family::Mobility, 9, "ネットワークが端末の識別情報を導出できない"),
    (Family::Mobility, 11, "この PLMN は利用不可"),
    (Family::Mobility, 12, "このトラッキングエリアは利用不可"),
    (Family::Mobility, 13, "このトラッキングエリアではローミング不可"),
    (Family::Emm, 14, "この PLMN では EPS サービス利用不可"),
    (Family::Mobility, 15, "トラッキングエリア内に適切なセルなし"),
    (Family::Emm, 18, "CS ドメイン利用不可"),
    (Family::Mobility, 20, "MAC の検証失敗"),
    (Family::Mobility, 21, "同期失敗"),
    (Family::Mobility, 22, "輻輳"),
    (Family::Mobility, 96, "必須情報が不正"),
    (Family::Session, 8, "事業者による規制"),
    (Family::Session, 26, "リソース不足"),
    (Family::Esm, 27, "APN が指定されていないか不明"),
    (Family::FiveGsm, 27, "DNN が指定されていないか不明"),
    (Family::Session, 32, "サービスオプション非対応"),
    (Family::Session, 33, "要求されたサービスオプションは契約外"),
    (Family::Session, 34, "サービスオプションが一時的に利用不可"),
    (Family::Esm, 66, "現在の RAT と PLMN の組み合わせでは要求された APN に非対応"),
    (Family::Session, 66, "現在の RAT と PLMN の組み合わせでは要求された DNN に非対応"),
];

/// A refusal (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// What kind, of HTTP.
    #[serde(default)]
    pub title: String,
    /// HTTP status.
    #[serde(default)]
    pub status: u16,
    /// Why; the site itself says `detail`.
    #[serde(default, alias = "detail")]
    pub because: String,
    /// The rule that decided.
    #[serde(default)]
    pub rule: Option<String>,
    /// The cause as a terminal is told it.
    #[serde(default)]
    pub cause: Option<Cause>,
}

impl Problem {
    /// The codes, for people who know them.
    #[must_use]
    pub fn codes(&self) -> Text<String> {
        let http = Text::same(format!("HTTP {}", self.status));
        let (cause, rule) = (self.cause.as_ref().map(Cause::words), self.rule.as_deref().map(rule_words));
        joined([Some(http), cause, rule].into_iter().flatten())
    }
}

/// Why a request to the network has no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// There is no answer, or none that can be read. In words.
    Lost(String),
    /// The network says no.
    Refused(Box<Problem>),
}

impl NetworkError {
    /// Why, in words.
    #[must_use]
    pub fn because(&self) -> &str {
        match self {
            Self::Lost(because) => because,
            Self::Refused(problem) => &problem.because,
        }
    }

    /// Why, in words of every language.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        match self {
            Self::Lost(because) => said::words(because),
            Self::Refused(problem) => reason(problem.rule.as_deref().unwrap_or_default(), &problem.because),
        }
    }

    /// The codes, for people who know them.
    #[must_use]
    pub fn codes(&self) -> Text<String> {
        match self {
            Self::Lost(because) => said::words(because),
            Self::Refused(problem) => problem.codes(),
        }
    }

    /// Whether it is permitted to go there, and the gateway has no way: its owner has not listed
    /// the server. Of what fails on the way no rule is told.
    #[must_use]
    pub fn is_unlisted(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 502 && problem.rule.is_some())
    }

    /// Whether the network knows nobody by the temporary identity that was named (TS 24.501 §5.5.1.2.5,
    /// cause 9): the phone comes again with its own.
    #[must_use]
    pub fn is_guti_unknown(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.cause.as_ref().is_some_and(|cause| cause.number == 9))
    }

    /// Whether the session is over or never was: attaching again helps. Only the network's own
    /// word counts, not a page without one that something on the way has made.
    #[must_use]
    pub fn is_session_gone(&self) -> bool {
        matches!(self, Self::Refused(problem) if matches!(problem.status, 404 | 410) && !problem.title.is_empty())
    }
}

/// One decision of the network on a session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LogEntry {
    /// When: milliseconds since 1970.
    pub at: u64,
    /// What was asked.
    pub what: String,
    /// `permitted` or `refused`.
    pub verdict: String,
    /// Why.
    pub because: String,
    /// The rule that decided.
    pub rule: String,
    /// The version of the policy it is of.
    #[serde(default)]
    pub version: u64,
}

/// What the resolver of the bearer says of a name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Resolved {
    /// The name.
    pub name: String,
    /// The type of record.
    #[serde(rename = "type")]
    pub kind: String,
    /// `NOERROR`, `REFUSED` …
    pub code: String,
    /// The addresses.
    pub addresses: Vec<String>,
    /// Why, and by which rule.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A verdict on the operator's record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    /// Its number.
    pub number: u64,
    /// When: milliseconds since 1970.
    pub at: u64,
    /// Which session, by a name that is no right to use it.
    pub session: Option<String>,
    /// What was asked.
    pub what: String,
    /// Yes or no, and why.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The version of the policy.
    pub policy: u64,
    /// How much the phone sent.
    pub bytes: u64,
}

/// Some of the operator's record, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordPage {
    /// The verdicts.
    pub verdicts: Vec<Recorded>,
    /// Before which the next page is.
    pub next: Option<u64>,
}

impl LogEntry {
    /// Whether it was yes.
    #[must_use]
    pub fn permitted(&self) -> bool {
        self.verdict == "permitted"
    }

    /// What was asked, in words.
    #[must_use]
    pub fn asked(&self) -> Text<String> {
        said::words(&self.what)
    }

    /// Why, in words.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        reason(&self.rule, &self.because)
    }
}

/// What a rule of the network says. The network speaks English; of its rules that are known
/// here there are words in every language, of others its own.
#[must_use]
pub fn reason(rule: &str, because: &str) -> Text<String> {
    let ja = match rule {
        "emergency-call" => "緊急通報は拒否されません",
        "sm-access" => "すべての加入者が SM に接続できます",
        "provisioning-apn" => "まだ契約がありません。要求した APN にかかわらず SM だけに接続します",
        "provisioning-no-contract" => "まだ契約がありません",
        "contract-apn" => "要求した APN は契約に含まれています",
        "contract-any-apn" => "契約はどの APN も許可しています",
        "contract-default-apn" => "APN の要求がないため、契約の既定の APN です",
        "apn-not-in-contract" => "その APN は契約にありません",
        "contract-service" => "契約に含まれています",
        "service-not-in-contract" => "契約に含まれていません",
        "roaming-not-in-contract" => "契約に他のネットワークの利用は含まれていません",
        _ => return said::words(because),
    };
    Text::new(because.to_owned(), ja.to_owned())
}

/// What a terminal says when it attaches.
#[derive(Serialize)]
pub struct AttachRequest<'a> {
    /// Who.
    #[serde(flatten)]
    pub who: &'a Identity,
    /// By which access.
    pub access: Access,
    /// The APN asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apn: Option<&'a str>,
}

/// What a card answered to the challenge, in hex.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// RES.
    Res(String),
    /// RES*, in 5G.
    #[serde(rename = "resStar")]
    ResStar(String),
    /// AUTS.
    Auts(String),
    /// `mac`.
    Failure(&'static str),
}

/// A wish for a service of the session.
#[derive(Serialize)]
pub struct ServiceRequest<'a> {
    /// `voice`, `sms` or `data`.
    pub kind: &'a str,
    /// A number or an address.
    pub to: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_session_or_another_challenge_is_told_apart() {
        let verdict = r#"{"verdict":"refused","because":"not yet under contract","rule":"r","cause":{"protocol":"EMM","number":18,"name":"CS domain not available"}}"#;
        let session = format!(
            r#"{{"sessionId":"s","imsi":"001010123456789","class":"provisioning","apn":{{"requested":null,"given":"sm.provisioning","because":"b","rule":"r"}},"address":"fd00::1","services":{{"data":{verdict},"voice":{verdict},"sms":{verdict}}},"since":1,"expires":2}}"#
        );
        let Ok(AttachAnswer::Session(session)) = serde_json::from_str(&session) else { panic!() };
        assert!(!session.services.voice.permitted());
        assert_eq!(
            session.services.voice.cause.unwrap().words().en,
            "EMM cause 18 (CS domain not available)"
        );
        let challenge = r#"{"attachId":"a","rand":"00","autn":"11"}"#;
        assert!(matches!(serde_json::from_str(challenge), Ok(AttachAnswer::Challenge(_))));
    }

    #[test]
    fn amounts_as_people_write_them() {
        let written = [0, 999, 1000, 16_777_216, 268_435_456, 1_500_000_000].map(bytes);
        assert_eq!(written, ["0 B", "999 B", "1 kB", "16.8 MB", "268 MB", "1.5 GB"]);
        assert_eq!(rate(5_000_000), "5 Mbit/s");
        assert_eq!(
            [59, 60, 1800, 43_200].map(|seconds| span(seconds).en),
            ["59 s", "1 min", "30 min", "12 h"]
        );
    }

    #[test]
    fn how_well_and_how_much_is_read() {
        let qos = r#"{"qci":9,"arp":{"priority":15,"mayPreempt":false,"preemptable":true},"ambr":{"uplink":1000000,"downlink":5000000}}"#;
        let qos: Qos = serde_json::from_str(qos).unwrap();
        assert_eq!(qos.to_string(), "QCI 9 · ARP 15 · ↑ 1 Mbit/s ↓ 5 Mbit/s");
        let usage = r#"{"requests":3,"refused":0,"bytesUp":10,"bytesDown":20,"of":{"seconds":1800,"bytes":16777216}}"#;
        let usage: Usage = serde_json::from_str(usage).unwrap();
        assert_eq!((usage.of.bytes, usage.of.requests_per_minute), (Some(16_777_216), None));
    }

    #[test]
    fn names_and_records_are_read() {
        let resolved = r#"{"name":"smdp.example","type":"A","code":"NOERROR","addresses":["192.0.0.1"],"ttl":30,"verdict":"permitted","because":"b","rule":"sm-access","version":2}"#;
        let resolved: Resolved = serde_json::from_str(resolved).unwrap();
        assert!(resolved.verdict.permitted() && resolved.addresses == ["192.0.0.1"]);
        let page = r#"{"verdicts":[{"number":7,"at":5,"session":null,"subscriber":"00101*******001","what":"attach","verdict":"refused","because":"b","rule":"authentication","policy":1,"cause":{"protocol":"EMM","number":3,"name":"Illegal UE"},"bytes":0}],"next":7}"#;
        let page: RecordPage = serde_json::from_str(page).unwrap();
        assert_eq!((page.next, page.verdicts[0].verdict.permitted()), (Some(7), false));
    }

    #[test]
    fn a_problem_is_read_from_network_and_site() {
        let network = r#"{"type":"about:blank","title":"Gone","status":410,"because":"its time is up"}"#;
        let problem: Problem = serde_json::from_str(network).unwrap();
        assert!(NetworkError::Refused(Box::new(problem)).is_session_gone());
        let site = r#"{"type":"about:blank","title":"Service unavailable","status":503,"detail":"d"}"#;
        let problem: Problem = serde_json::from_str(site).unwrap();
        assert_eq!((problem.because.as_str(), problem.codes()), ("d", Text::same("HTTP 503")));
    }

    /// The causes that our network gives (`net-policy-worker/src/refusal.rs`), by protocol and number with
    /// the names of TS 24.301 §9.9.3.9 and §9.9.4.4, TS 24.501 §9.11.3.2 and §9.11.4.2.
    const GIVEN: [(&str, u8, &str); 41] = [
        ("EMM", 2, "IMSI unknown in HSS"),
        ("EMM", 3, "Illegal UE"),
        ("EMM", 7, "EPS services not allowed"),
        ("EMM", 9, "UE identity cannot be derived by the network"),
        ("EMM", 11, "PLMN not allowed"),
        ("EMM", 12, "Tracking area not allowed"),
        ("EMM", 13, "Roaming not allowed in this tracking area"),
        ("EMM", 14, "EPS services not allowed in this PLMN"),
        ("EMM", 15, "No suitable cells in tracking area"),
        ("EMM", 18, "CS domain not available"),
        ("EMM", 20, "MAC failure"),
        ("EMM", 21, "Synch failure"),
        ("EMM", 22, "Congestion"),
        ("EMM", 96, "Invalid mandatory information"),
        ("ESM", 8, "Operator determined barring"),
        ("ESM", 26, "Insufficient resources"),
        ("ESM", 27, "Missing or unknown APN"),
        ("ESM", 32, "Service option not supported"),
        ("ESM", 33, "Requested service option not subscribed"),
        ("ESM", 34, "Service option temporarily out of order"),
        ("ESM", 66, "Requested APN not supported in current RAT and PLMN combination"),
        ("5GMM", 3, "Illegal UE"),
        ("5GMM", 7, "5GS services not allowed"),
        ("5GMM", 9, "UE identity cannot be derived by the network"),
        ("5GMM", 11, "PLMN not allowed"),
        ("5GMM", 12, "Tracking area not allowed"),
        ("5GMM", 13, "Roaming not allowed in this tracking area"),
        ("5GMM", 15, "No suitable cells in tracking area"),
        ("5GMM", 20, "MAC failure"),
        ("5GMM", 21, "Synch failure"),
        ("5GMM", 22, "Congestion"),
        ("5GMM", 96, "Invalid mandatory information"),
        ("5GSM", 8, "Operator determined barring"),
        ("5GSM", 26, "Insufficient resources"),
        ("5GSM", 27, "Missing or unknown DNN"),
        ("5GSM", 32, "Service option not supported"),
        ("5GSM", 33, "Requested service option not subscribed"),
        ("5GSM", 34, "Service option temporarily out of order"),
        ("5GSM", 66, "Requested APN not supported in current RAT and PLMN combination"),
        // Of nobody's list: these keep their names.
        ("EMM", 200, "A cause of tomorrow"),
        ("6GMM", 3, "Illegal UE"),
    ];

    #[test]
    fn causes_are_told_in_japanese_with_their_numbers() {
        let mut told = std::collections::HashSet::new();
        for (place, (protocol, number, name)) in GIVEN.into_iter().enumerate() {
            let cause = Cause { protocol: protocol.to_owned(), number, name: name.to_owned() };
            let words = cause.words();
            assert_eq!(words.en, format!("{protocol} cause {number} ({name})"));
            assert!(words.ja.starts_with(&format!("{protocol} 原因値 {number}（")), "{words:?}");
            assert_eq!(words.ja.contains(name), place >= GIVEN.len() - 2, "{words:?}");
            assert!(told.insert(words.ja.clone()), "{words:?}");
        }
        // Each that has words is one of those.
        for (family, number, ja) in CAUSES {
            let given = |(protocol, value, _): &(&str, u8, &str)| family.has(protocol) && *value == number;
            assert!(GIVEN.iter().any(given), "{ja}");
        }
        let page = r#"{"verdict":"refused","because":"b","rule":"r","cause":{"protocol":"ESM","number":8,"name":"Operator determined barring"}}"#;
        let verdict: Verdict = serde_json::from_str(page).unwrap();
        assert_eq!(
            verdict.codes(),
            Text::new(
                "ESM cause 8 (Operator determined barring) · rule r",
                "ESM 原因値 8（事業者による規制） · ルール r"
            )
            .owned()
        );
    }

    #[test]
    fn a_server_that_is_not_listed_is_told_from_one_that_fails() {
        let problem = |rule: &str| {
            let json = format!(r#"{{"status":502,"because":"b"{rule}}}"#);
            NetworkError::Refused(Box::new(serde_json::from_str(&json).unwrap()))
        };
        assert!(problem(r#","rule":"contract-service""#).is_unlisted());
        assert!(!problem("").is_unlisted());
    }

    #[test]
    fn a_rule_that_is_not_known_keeps_the_networks_words() {
        assert_eq!(reason("provisioning-no-contract", "not yet under contract").ja, "まだ契約がありません");
        assert_eq!(reason("new-rule", "because").ja, "because");
    }

    #[test]
    fn a_proof_is_one_field() {
        let json = |proof| serde_json::to_string(&proof).unwrap();
        assert_eq!(json(Proof::Res("a5".into())), r#"{"res":"a5"}"#);
        assert_eq!(json(Proof::Failure("mac")), r#"{"failure":"mac"}"#);
    }
}
