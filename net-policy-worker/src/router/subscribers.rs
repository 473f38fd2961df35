//! The operator's door to the subscribers: one by one, many at once, in and out.

use std::borrow::Cow;

use aka::Sqn;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use rsp::Imsi;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Failure, Link, Reply, Router, json, malformed, unexpected};
use crate::policy::Class;
use crate::refusal::{Kind, Refusal};
use crate::service::{self, Answer, Record, SqnChange};
use crate::store::Store;
use crate::subscriber::batch::{self, Form};
use crate::subscriber::{Subscriber, Tag};

/// Most subscribers of one answer.
const MAX_PAGE: usize = 1000;

/// Most subscribers of one export: each is asked for its keys.
const MAX_EXPORT: usize = 100;

/// Longest import, in bytes.
pub(super) const MAX_IMPORT: usize = crate::gateway::MAX_REQUEST;

/// How a row of an import ended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowView {
    /// Counted from 1.
    row: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    imsi: Option<String>,
    /// `created`, `replaced` or `refused`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

/// Reads a change of the sequence number: `{"sqn": "0000000001e0"}`, and in `If-Match` what it replaces.
pub(super) fn sqn_change(headers: &HeaderMap, body: &[u8]) -> Result<SqnChange, Failure> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        sqn: String,
    }
    let number = |text: &str| {
        let mut bytes = [0; 6];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Sqn::from_bytes(bytes).into())
    };
    let Some(tag) = headers.get(header::IF_MATCH) else {
        let because = "If-Match names the sequence number that is to be replaced, as its ETag does";
        return Err(Refusal::new(Kind::Unconditional, because).into());
    };
    let expected = match tag.to_str().unwrap_or_default().trim() {
        "*" => None,
        tag => {
            let own = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(number);
            // A tag that is none of ours matches nothing.
            Some(own.ok_or_else(|| Refusal::new(Kind::Changed, "If-Match names no sequence number"))?)
        }
    };
    let because = "a sequence number is JSON: sqn, 6 bytes in hex";
    let Wanted { sqn } = serde_json::from_slice(body).map_err(|_| malformed(because))?;
    Ok(SqnChange { expected, sqn: number(&sqn).ok_or_else(|| malformed(because))? })
}

impl<S: Store, L: Link> Router<S, L> {
    /// The sequence number of a subscriber, after `change`.
    pub(super) async fn sqn(&self, imsi: Imsi, set: Option<SqnChange>) -> Reply {
        let Answer::Sqn(sqn) = self.ask(Tag::of(&imsi), service::Request::Sqn { imsi, set }).await? else {
            return Err(unexpected());
        };
        let sqn = format!("{sqn:012x}");
        let mut response = json(StatusCode::OK, &serde_json::json!({ "sqn": sqn }));
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{sqn}\"")) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        Ok(response)
    }

    pub(super) async fn provision(&self, imsi: Imsi, body: Vec<u8>) -> Reply {
        let text = match String::from_utf8(body) {
            Ok(text) => Zeroizing::new(text),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                return Err(malformed("a subscriber record is JSON in UTF-8"));
            }
        };
        // Before anything is kept, and so before an owner comes to be.
        Subscriber::from_record(imsi.clone(), &text)?;
        let record = Record::new(imsi, text);
        match self.ask(Tag::of(&record.imsi), service::Request::Provision(record)).await? {
            Answer::Provisioned { created, view } => {
                Ok(json(if created { StatusCode::CREATED } else { StatusCode::OK }, &view))
            }
            _ => Err(unexpected()),
        }
    }

    /// A page of the subscribers, by IMSI; `?after=` an IMSI, `?limit=` how many.
    pub(super) async fn list(&self, query: &str) -> Reply {
        let (after, limit) = page(query, MAX_PAGE)?;
        let mut views = self.store.subscribers(&after, limit + 1).await?;
        let more = views.len() > limit;
        views.truncate(limit);
        let last = views.last().filter(|_| more).map(|view| view.imsi.clone());
        let mut response = json(StatusCode::OK, &views);
        link(&mut response, "/network/subscribers", &[], last.as_deref(), limit);
        Ok(response)
    }

    /// Many subscribers: `?form=open5gs`, or by its content type CSV; `?class=` of those that do
    /// not say it; `?mode=rows` writes those that are right, `all`, as without it, only if all are.
    pub(super) async fn import(&self, query: &str, headers: &HeaderMap, body: Vec<u8>) -> Reply {
        let body = Zeroizing::new(body);
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_csv = content_type.is_some_and(|value| value.trim_start().starts_with("text/csv"));
        let form = match (value(query, "form").as_deref(), is_csv) {
            (None | Some("csv"), true) => Form::Csv,
            (None | Some("own"), false) => Form::Own,
            (Some("open5gs"), false) => Form::Open5gs,
            _ => return Err(malformed("form is own, csv (as text/csv) or open5gs")),
        };
        let class = match value(query, "class").as_deref() {
            None | Some("operational") => Class::Operational,
            Some("provisioning") => Class::Provisioning,
            Some(_) => return Err(malformed("class is operational or provisioning")),
        };
        let by_rows = match value(query, "mode").as_deref() {
            None | Some("all") => false,
            Some("rows") => true,
            Some(_) => return Err(malformed("mode is all or rows")),
        };
        let rows = batch::read(form, &body, class)?;
        if !by_rows {
            let mut wrong = (1..).zip(&rows).filter_map(|(row, read)| Some((row, read.as_ref().err()?)));
            if let Some((row, because)) = wrong.next() {
                let more = wrong.count();
                let because = format!("nothing was written: row {row}: {because}; {more} more are wrong");
                return Err(malformed(&because));
            }
        }
        let mut views = Vec::with_capacity(rows.len());
        for (row, read) in (1..).zip(rows) {
            views.push(match read {
                Err(because) => RowView { row, imsi: None, outcome: "refused", because: Some(because) },
                Ok(record) => self.write(row, record).await?,
            });
        }
        Ok(json(StatusCode::OK, &views))
    }

    async fn write(&self, row: usize, record: Record) -> Result<RowView, Failure> {
        let imsi = Some(record.imsi.to_string());
        match self.ask(Tag::of(&record.imsi), service::Request::Provision(record)).await {
            Ok(Answer::Provisioned { created, .. }) => Ok(RowView {
                row,
                imsi,
                outcome: if created { "created" } else { "replaced" },
                because: None,
            }),
            Ok(_) => Err(unexpected()),
            Err(Failure::Refused(refusal)) => {
                Ok(RowView { row, imsi, outcome: "refused", because: Some(refusal.because) })
            }
            Err(broken) => Err(broken),
        }
    }

    /// A page of the subscribers with their keys, which has to be asked for in so many words:
    /// `?keys=include`, and in which form: `&form=own` or `open5gs`.
    pub(super) async fn export(&self, query: &str) -> Reply {
        if value(query, "keys").as_deref() != Some("include") {
            let because = "an export has the keys of its subscribers: say keys=include";
            return Err(Refusal::new(Kind::Malformed, because).into());
        }
        let form = match value(query, "form").as_deref() {
            None | Some("own") => Form::Own,
            Some("open5gs") => Form::Open5gs,
            Some(_) => return Err(malformed("form is own or open5gs")),
        };
        let (after, limit) = page(query, MAX_EXPORT)?;
        let mut views = self.store.subscribers(&after, limit + 1).await?;
        let more = views.len() > limit;
        views.truncate(limit);
        let last = views.last().filter(|_| more).map(|view| view.imsi.clone());
        let mut records = vec![];
        for view in views {
            let imsi: Imsi = view.imsi.parse().map_err(|_| unexpected())?;
            // One that was withdrawn meanwhile is not there.
            records.extend(self.store.export(imsi).await?);
        }
        let sm_apn = self.store.policy().await?.sm_apn().to_string();
        let (exported, left_out) = batch::expose(form, &records, &sm_apn);
        let mut response = json(StatusCode::OK, &exported);
        let name = if form == Form::Open5gs { "open5gs" } else { "own" };
        let query = [("keys", "include"), ("form", name)];
        link(&mut response, "/network/subscribers/export", &query, last.as_deref(), limit);
        if let Some(left_out) =
            HeaderValue::from_str(&left_out.join(" ")).ok().filter(|_| !left_out.is_empty())
        {
            response.headers_mut().insert("x-left-out", left_out);
        }
        Ok(response)
    }
}

/// The value of a query's parameter; the names and values here need no escapes.
fn value<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(own, _)| *own == name).map(|(_, value)| Cow::Borrowed(value)).next()
}

/// From where on, and how many.
fn page(query: &str, most: usize) -> Result<(String, usize), Failure> {
    let after = value(query, "after").unwrap_or_default().into_owned();
    if after.len() > 15 || !after.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed("after is an IMSI"));
    }
    let limit = match value(query, "limit") {
        None => most,
        Some(limit) => {
            let limit = limit.parse().ok().filter(|limit| (1..=most).contains(limit));
            limit.ok_or_else(|| malformed(&format!("limit is a number from 1 to {most}")))?
        }
    };
    Ok((after, limit))
}

/// Where the next page is (RFC 8288), if there is one.
fn link(
    response: &mut Response<Vec<u8>>,
    path: &str,
    query: &[(&str, &str)],
    last: Option<&str>,
    limit: usize,
) {
    let Some(last) = last else { return };
    let more: String = query.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    let link = format!("<{path}?after={last}&limit={limit}{more}>; rel=\"next\"");
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, link);
    }
}
