//! Counters in the text format of Prometheus, version 0.0.4.

use core::fmt::Write as _;

use rsp_crypto::Provider;

use crate::Server;
use crate::profile::{EventKind, ProfileState};
use crate::store::Tally;

/// All of them; none holds an identifier of a profile or an eUICC.
pub(crate) fn render<P: Provider>(tally: &Tally, server: &Server<P>) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let of = |map: Option<&u64>| map.copied().unwrap_or(0);
    let states: Vec<_> = ProfileState::ALL
        .iter()
        .map(|state| (format!("{{state=\"{}\"}}", state.name()), of(tally.states.get(state))))
        .collect();
    family("smdp_profiles", "gauge", "Profiles by state (SGP.22 section 3.1.6).", &states);
    let events: Vec<_> = EventKind::ALL
        .iter()
        .map(|kind| (format!("{{event=\"{}\"}}", kind.name()), of(tally.events.get(kind))))
        .collect();
    family("smdp_events_total", "counter", "What happened to profiles.", &events);
    family(
        "smdp_outbox_messages",
        "gauge",
        "Messages to the operator and to SM-DSs that were not acknowledged yet.",
        &[(String::new(), tally.waiting)],
    );
    family(
        "smdp_packages_under_older_keys",
        "gauge",
        "Profiles whose packages are sealed under another key than the present one.",
        &[(String::new(), tally.sealed_otherwise)],
    );
    family(
        "smdp_templates_under_older_keys",
        "gauge",
        "Profile types whose templates are sealed under another key than the present one.",
        &[(String::new(), tally.templates_sealed_otherwise)],
    );
    let mut certificates = Vec::new();
    for set in &server.credentials {
        for (role, credential) in [("DPauth", &set.dp_auth), ("DPpb", &set.dp_pb)] {
            let labels = format!("{{ci=\"{}\",role=\"{role}\"}}", set.ci.id());
            certificates.push((labels, credential.certificate.validity().1));
        }
    }
    family(
        "smdp_certificate_not_after_seconds",
        "gauge",
        "The last second of each of the server's certificates, since 1970.",
        &certificates,
    );
    text
}
