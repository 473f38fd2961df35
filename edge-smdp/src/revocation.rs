//! Certificates that are not believed any more: the revocation lists that the server was
//! configured with (RFC 5280 §5, SGP.22 §4.5.2.2).
//!
//! A list counts when it is signed by a CI of ours, by an EUM whose certificate stands
//! beside it and is under such a CI, or by the LPA CA; any other is refused at the start.
//! A list that is out of its time is still used, and health says so: it refuses whom it
//! lists, and refusing everybody because nobody brought a fresh one would be worse.

use std::collections::BTreeSet;

use rsp::CiPkId;
use rsp_crypto::crl::{Crl, CrlNumber};
use rsp_crypto::{Certificate, CiKey, Provider, Role};

use crate::config::InvalidConfiguration;
use crate::encoded::ders;

/// Lists and certificates that are taken at most.
const MAX_LISTS: usize = 64;

/// What is revoked, by issuer and scope.
#[derive(Debug, Default)]
pub(crate) struct Revocation {
    lists: Vec<List>,
}

/// A list as it stands after its changes.
#[derive(Debug)]
struct List {
    /// Of the issuer's key.
    issuer: Vec<u8>,
    name: String,
    scope: Option<Vec<u8>>,
    number: CrlNumber,
    this_update: u64,
    next_update: Option<u64>,
    /// How many parts it was cut into, and which of them are here.
    parts: u32,
    present: BTreeSet<u32>,
    revoked: BTreeSet<Vec<u8>>,
}

/// A list, for who looks after the server.
pub(crate) struct Standing<'a> {
    /// Whose certificates it is about.
    pub(crate) name: &'a str,
    /// When it was issued.
    pub(crate) this_update: u64,
    /// When there should be a fresh one.
    pub(crate) next_update: Option<u64>,
    /// How many it lists.
    pub(crate) revoked: usize,
    /// What is wrong with it.
    pub(crate) warning: Option<String>,
}

/// Who may issue lists.
struct Issuer {
    key: CiKey,
    name: String,
}

impl Revocation {
    /// Reads `SMDP_CRLS`.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the list by its place: one that cannot be read or
    /// relied upon, is of an unknown issuer or wrongly signed, or tells the changes of a
    /// list that is not there.
    pub(crate) async fn new(
        provider: &impl Provider,
        text: &str,
        cis: &[&CiKey],
        lpa_authorities: &[Certificate],
    ) -> Result<Self, InvalidConfiguration> {
        let wrong =
            |at: usize, what: &str| InvalidConfiguration(format!("SMDP_CRLS: number {}: {what}", at + 1));
        let entries = ders(text).map_err(|what| InvalidConfiguration(format!("SMDP_CRLS: {what}")))?;
        if entries.len() > MAX_LISTS {
            return Err(wrong(MAX_LISTS, "one too many"));
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        for ci in cis {
            issuers.push(Issuer { key: (*ci).clone(), name: format!("CI {}", ci.id()) });
        }
        for (index, authority) in lpa_authorities.iter().enumerate() {
            if let Some(key) = key_of(authority) {
                issuers.push(Issuer { key, name: format!("LPA CA {}", index + 1) });
            }
        }
        let mut crls = Vec::new();
        for (at, der) in entries.iter().enumerate() {
            let Ok(certificate) = Certificate::from_der(der) else {
                let crl = Crl::from_der(der).map_err(|error| wrong(at, &error.to_string()))?;
                crls.push((at, crl));
                continue;
            };
            let eum = manufacturer(provider, cis, &certificate).await;
            issuers.push(eum.map_err(|what| wrong(at, &what))?);
        }
        // Whole lists before their changes, older ones before fresher ones.
        crls.sort_by_key(|(_, crl)| (crl.base().is_some(), crl.number()));
        let mut revocation = Self::default();
        for (at, crl) in &crls {
            let named: Vec<&Issuer> =
                issuers.iter().filter(|issuer| issuer.key.id().as_bytes() == crl.issuer()).collect();
            if named.is_empty() {
                let what = "of an unknown issuer: neither a CI of SMDP_CREDENTIALS nor the LPA CA, nor an EUM \
                            whose certificate stands in this list too";
                return Err(wrong(*at, what));
            }
            let mut by = None;
            for issuer in named {
                let signed = crl.is_by(provider, &issuer.key).await;
                if signed.map_err(|fault| InvalidConfiguration(fault.to_string()))? {
                    by = Some(issuer);
                    break;
                }
            }
            let issuer = by.ok_or_else(|| wrong(*at, "not signed by the issuer that it names"))?;
            revocation.take(crl, issuer).map_err(|what| wrong(*at, what))?;
        }
        Ok(revocation)
    }

    /// Takes a list in: a fresher one replaces an older one of the same scope, parts of one
    /// come together, changes are made.
    fn take(&mut self, crl: &Crl, issuer: &Issuer) -> Result<(), &'static str> {
        let found = self
            .lists
            .iter_mut()
            .find(|list| list.issuer == crl.issuer() && list.scope.as_deref() == crl.scope());
        let entries = crl.entries().iter();
        if let Some(base) = crl.base() {
            let list = found.filter(|list| list.number >= base);
            let list = list.ok_or("it tells the changes of a list that is not here")?;
            if crl.number() > list.number || crl.part().is_some() && crl.number() == list.number {
                for entry in entries {
                    if entry.removed {
                        list.revoked.remove(&entry.serial_number);
                    } else {
                        list.revoked.insert(entry.serial_number.clone());
                    }
                }
                list.number = crl.number();
                list.this_update = crl.this_update();
                list.next_update = crl.next_update();
            }
            return Ok(());
        }
        let part = crl.part();
        let revoked = entries.map(|entry| entry.serial_number.clone());
        match found {
            // Another part of the same.
            Some(list) if list.number == crl.number() => {
                list.revoked.extend(revoked);
                list.present.insert(part.map_or(1, |part| part.number));
            }
            older => {
                let list = List {
                    issuer: crl.issuer().to_vec(),
                    name: issuer.name.clone(),
                    scope: crl.scope().map(<[u8]>::to_vec),
                    number: crl.number(),
                    this_update: crl.this_update(),
                    next_update: crl.next_update(),
                    parts: part.map_or(1, |part| part.total),
                    present: BTreeSet::from([part.map_or(1, |part| part.number)]),
                    revoked: revoked.collect(),
                };
                match older {
                    Some(older) => *older = list,
                    None => self.lists.push(list),
                }
            }
        }
        Ok(())
    }

    /// Whether a certificate that this issuer has issued is revoked.
    pub(crate) fn is_revoked_by(&self, issuer: &[u8], certificate: &Certificate) -> bool {
        let by = self.lists.iter().filter(|list| list.issuer == issuer);
        by.into_iter().any(|list| list.revoked.contains(certificate.serial_number()))
    }

    /// Whether a certificate is revoked; it names its issuer's key, as all of SGP.22 do.
    pub(crate) fn is_revoked(&self, certificate: &Certificate) -> bool {
        let issuer = certificate.authority_key_identifier();
        issuer.is_some_and(|issuer| self.is_revoked_by(issuer.as_bytes(), certificate))
    }

    /// How the lists stand at `now`.
    pub(crate) fn standing(&self, now: u64) -> impl Iterator<Item = Standing<'_>> {
        self.lists.iter().map(move |list| Standing {
            name: &list.name,
            this_update: list.this_update,
            next_update: list.next_update,
            revoked: list.revoked.len(),
            warning: list.warning(now),
        })
    }
}

impl List {
    fn warning(&self, now: u64) -> Option<String> {
        let of = format!("the revocation list of {}", self.name);
        let here = self.present.len();
        if self.next_update.is_some_and(|next| next < now) {
            Some(format!("{of} is out of date; it is still used"))
        } else if self.this_update > now {
            Some(format!("{of} is of a time to come; it is used already"))
        } else if u32::try_from(here) != Ok(self.parts) {
            Some(format!("of {} parts of {of} only {here} are here", self.parts))
        } else {
            None
        }
    }
}

/// The key by which a CA's lists are known.
fn key_of(authority: &Certificate) -> Option<CiKey> {
    let id = CiPkId::from_bytes(authority.subject_key_identifier()?.as_bytes()).ok()?;
    Some(CiKey::new(id, *authority.public_key()?))
}

/// CERT.EUM that stands beside its list. Its time does not matter: it issues nothing here.
async fn manufacturer(
    provider: &impl Provider,
    cis: &[&CiKey],
    certificate: &Certificate,
) -> Result<Issuer, String> {
    if certificate.role() != Some(&Role::Eum) || !certificate.signs_certificates() {
        return Err("a certificate that is no EUM's".into());
    }
    let (key, signature) =
        key_of(certificate).zip(certificate.signature()).ok_or("a certificate of an unsupported curve")?;
    for ci in cis {
        let named = certificate.authority_key_identifier();
        if named.is_none_or(|id| id.as_bytes() != ci.id().as_bytes()) {
            continue;
        }
        let signed = provider.verify(ci.public_key(), certificate.tbs(), signature).await;
        if signed.map_err(|fault| fault.to_string())? {
            let name = certificate.organization().unwrap_or("without a name");
            return Ok(Issuer { key, name: format!("EUM {name}") });
        }
    }
    Err("a certificate of an EUM under no CI of SMDP_CREDENTIALS".into())
}
