//! The operator's door to the record of verdicts: of one subscriber, or of all.
//!
//! The record is where its subscriber is, and nowhere else. A list of all verdicts in one place
//! would be written to with every request of every terminal, and so be as slow as the busiest
//! hour makes one object; here nothing is written but what is written anyway, and who reads all
//! of it asks all of them, some at a time. So a page is of some subscribers, newest first, and
//! the next page is of the next subscribers.

use rsp::Imsi;
use serde::Serialize;

use super::{Failure, Link, Reply, Router, json, malformed, unexpected};
use crate::gateway::audit::{Page, Verdict, Wanted};
use crate::store::Store;
use crate::subscriber::Tag;
use http::StatusCode;

/// Most subscribers that are asked for one page: each is a request to its own object, and the
/// smallest of the platform's accounts has 50 for each of ours.
const MAX_ASKED: usize = 40;

/// With so many verdicts a page is full, and no further subscriber is taken into it.
const FULL: usize = 1_000;

/// A verdict and whose it is: the operator may know.
#[derive(Serialize)]
struct Listed {
    imsi: String,
    #[serde(flatten)]
    verdict: Verdict,
}

/// The verdicts of some subscribers, newest first.
#[derive(Serialize)]
struct NetworkPage {
    verdicts: Vec<Listed>,
    /// With which `after` the next page is asked for; none where there is no more.
    next: Option<String>,
}

const SAYS: &str =
    "an audit is asked for by imsi, or since and after, and by session, verdict, before and limit";

impl<S: Store, L: Link> Router<S, L> {
    /// Verdicts of a subscriber, newest first: `imsi=…`, and optionally `session`, `verdict`,
    /// `since`, `before` and `limit`; or those of all, page by page: `since=…`, and optionally
    /// `after` an IMSI, `session`, `verdict`, and how many subscribers: `limit`.
    pub(super) async fn audit(&self, query: &str) -> Reply {
        let (mut imsi, mut after, mut wanted) = (None, None, Wanted::default());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let number = || value.parse().map_err(|_| malformed("since, before and limit are numbers"));
            let digits = || value.parse().map_err(|_| malformed("an IMSI has 6 to 15 digits"));
            match &*name {
                "imsi" => imsi = Some(digits()?),
                "after" => after = Some(digits()?),
                "session" => wanted.session = Some(value.into_owned()),
                "verdict" => wanted.verdict = Some(value.into_owned()),
                "since" => wanted.since = Some(number()?),
                "before" => wanted.before = Some(number()?),
                "limit" => {
                    let limit = usize::try_from(number()?);
                    wanted.limit = Some(limit.map_err(|_| malformed("since, before and limit are numbers"))?);
                }
                _ => return Err(malformed(SAYS)),
            }
        }
        match (imsi, wanted.since, after) {
            (Some(imsi), _, None) => {
                let page = self.store.audit(Tag::of(&imsi), &wanted).await?;
                Ok(json(StatusCode::OK, &page))
            }
            (None, Some(_), after) if wanted.before.is_none() => {
                let limit = wanted.limit.take().unwrap_or(MAX_ASKED);
                if !(1..=MAX_ASKED).contains(&limit) {
                    return Err(malformed(&format!("limit is a number from 1 to {MAX_ASKED}")));
                }
                Ok(json(StatusCode::OK, &self.network_audit(after.as_ref(), limit, wanted).await?))
            }
            _ => Err(malformed(SAYS)),
        }
    }

    /// All that is wanted of each of the subscribers of a page.
    async fn network_audit(
        &self,
        after: Option<&Imsi>,
        limit: usize,
        wanted: Wanted,
    ) -> Result<NetworkPage, Failure> {
        let mut views = self.store.subscribers(after.map_or("", Imsi::as_str), limit + 1).await?;
        let mut more = views.len() > limit;
        views.truncate(limit);
        let imsis: Vec<Imsi> =
            views.iter().map(|view| view.imsi.parse()).collect::<Result<_, _>>().map_err(|_| unexpected())?;
        let tags: Vec<Tag> = imsis.iter().map(Tag::of).collect();
        let first = self.store.audits(&tags, &wanted).await?;
        let (mut verdicts, mut last) = (vec![], None);
        for ((imsi, tag), mut page) in imsis.into_iter().zip(tags).zip(first) {
            if verdicts.len() >= FULL {
                more = true;
                break;
            }
            loop {
                let Page { verdicts: some, next } = page;
                verdicts.extend(some.into_iter().map(|verdict| Listed { imsi: imsi.to_string(), verdict }));
                if next.is_none() {
                    break;
                }
                page = self.store.audit(tag, &Wanted { before: next, ..wanted.clone() }).await?;
            }
            last = Some(imsi.to_string());
        }
        // What one subscriber was told at one time stays in its order.
        verdicts.sort_by_key(|of| std::cmp::Reverse(of.verdict.at));
        Ok(NetworkPage { verdicts, next: last.filter(|_| more) })
    }
}
