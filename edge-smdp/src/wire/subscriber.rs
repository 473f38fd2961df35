//! Subscribers in JSON and in CSV (RFC 4180).

use serde::Deserialize;
use zeroize::Zeroize;

use crate::error::Malformed;
use crate::wire::network::{Class, Subscription};

/// A subscriber, as the operator's own systems know them. Not `Debug`: it holds
/// keys.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscriber {
    /// 18 to 20 digits.
    pub iccid: String,
    /// 6 to 15 digits.
    pub imsi: String,
    /// Digits of the MNC, 2 (the default) or 3.
    #[serde(default)]
    pub mnc_length: Option<u8>,
    /// With `+`.
    #[serde(default)]
    pub msisdn: Option<String>,
    /// `milenage` (the default), `tuak` or `testXor`.
    #[serde(default)]
    pub algorithm: Option<String>,
    /// Hexadecimal.
    pub k: String,
    /// OPc or TOPc, hexadecimal.
    #[serde(default)]
    pub opc: Option<String>,
    /// OP or TOP instead, hexadecimal.
    #[serde(default)]
    pub op: Option<String>,
    /// Runs of Keccak for TUAK, 1 by default.
    #[serde(default)]
    pub iterations: Option<u8>,
    /// The transport key that all secrets here are wrapped under; they are then
    /// hexadecimal.
    #[serde(default)]
    pub transport_key: Option<String>,
    /// Name of the service provider in the SIM.
    #[serde(default)]
    pub spn: Option<String>,
    /// 4 to 8 digits.
    #[serde(default)]
    pub pin1: Option<String>,
    /// 8 digits.
    #[serde(default)]
    pub puk1: Option<String>,
    /// 4 to 8 digits.
    #[serde(default)]
    pub pin2: Option<String>,
    /// 8 digits.
    #[serde(default)]
    pub puk2: Option<String>,
    /// 4 to 8 characters.
    #[serde(default)]
    pub adm1: Option<String>,
    /// SMS service centre, with `+`.
    #[serde(default)]
    pub service_centre: Option<String>,
    /// Networks preferred abroad: MCC and MNC, 5 or 6 digits each.
    #[serde(default)]
    pub operator_plmns: Vec<String>,
    /// Networks to be treated as home.
    #[serde(default)]
    pub equivalent_home_plmns: Vec<String>,
    /// Networks not to be used.
    #[serde(default)]
    pub forbidden_plmns: Vec<String>,
    /// The only access points that may be used, if any are named.
    #[serde(default)]
    pub access_points: Vec<String>,
    /// Whether the profile gets an ISIM with identities derived from the IMSI.
    #[serde(default)]
    pub ims: bool,
    /// The home network's public keys that its identity is concealed under in 5G, the most wanted first.
    #[serde(default)]
    pub home_network_keys: Vec<HomeNetworkKey>,
    /// Who conceals it, where there are such keys.
    #[serde(default)]
    pub suci_calculation: Option<SuciCalculation>,
    /// Routing indicator of its SUCIs, 1 to 4 digits.
    #[serde(default)]
    pub routing_indicator: Option<String>,
    /// What the network is told when the profile is ordered.
    #[serde(default)]
    pub subscription: Option<Subscription>,
}

/// A public key of a home network (3GPP TS 33.501 Annex C), in the words of the network's
/// `HOME_NETWORK_KEYS`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HomeNetworkKey {
    /// Home network public key identifier.
    pub id: u8,
    /// Protection scheme.
    pub profile: ProtectionProfile,
    /// Hexadecimal: 32 bytes for profile A; a point of P-256, compressed or not, for profile B.
    pub key: String,
}

/// A protection scheme with keys (TS 33.501 §C.3.4).
#[derive(Clone, Copy, Deserialize)]
pub enum ProtectionProfile {
    /// ECIES over Curve25519.
    A,
    /// ECIES over P-256.
    B,
}

/// Who computes SUCIs (TS 33.501 §6.12.2).
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SuciCalculation {
    /// The USIM, by GET IDENTITY.
    Usim,
    /// The terminal.
    Terminal,
}

impl HomeNetworkKey {
    /// `id:profile:key`, as a cell of a table has it.
    fn from_cell(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (id, profile, key) = (parts.next()?, parts.next()?, parts.next()?);
        let profile = match profile {
            "A" => ProtectionProfile::A,
            "B" => ProtectionProfile::B,
            _ => return None,
        };
        let key = Self { id: id.parse().ok()?, profile, key: key.to_owned() };
        parts.next().is_none().then_some(key)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.k.zeroize();
        for secret in [
            &mut self.opc,
            &mut self.op,
            &mut self.pin1,
            &mut self.puk1,
            &mut self.pin2,
            &mut self.puk2,
            &mut self.adm1,
        ] {
            secret.zeroize();
        }
    }
}

impl Subscriber {
    /// Takes a cell of the column with this name; an empty one is an absent value, a
    /// list is separated by spaces.
    fn take(&mut self, column: &str, cell: &str) -> Result<(), Malformed> {
        let text = || (!cell.is_empty()).then(|| cell.to_owned());
        let list = || cell.split_whitespace().map(str::to_owned).collect();
        let number = || {
            let number = text().map(|text| text.parse::<u8>()).transpose();
            number.map_err(|_| Malformed::new(column, "a number"))
        };
        let truth = || match cell {
            "" | "false" | "0" => Ok(false),
            "true" | "1" => Ok(true),
            _ => Err(Malformed::new(column, "true or false")),
        };
        match column {
            "iccid" => cell.clone_into(&mut self.iccid),
            "imsi" => cell.clone_into(&mut self.imsi),
            "mncLength" => self.mnc_length = number()?,
            "msisdn" => self.msisdn = text(),
            "algorithm" => self.algorithm = text(),
            "k" => cell.clone_into(&mut self.k),
            "opc" => self.opc = text(),
            "op" => self.op = text(),
            "iterations" => self.iterations = number()?,
            "transportKey" => self.transport_key = text(),
            "spn" => self.spn = text(),
            "pin1" => self.pin1 = text(),
            "puk1" => self.puk1 = text(),
            "pin2" => self.pin2 = text(),
            "puk2" => self.puk2 = text(),
            "adm1" => self.adm1 = text(),
            "serviceCentre" => self.service_centre = text(),
            "operatorPlmns" => self.operator_plmns = list(),
            "equivalentHomePlmns" => self.equivalent_home_plmns = list(),
            "forbiddenPlmns" => self.forbidden_plmns = list(),
            "accessPoints" => self.access_points = list(),
            "ims" => self.ims = truth()?,
            "homeNetworkKeys" => {
                let keys = cell.split_whitespace().map(HomeNetworkKey::from_cell).collect::<Option<_>>();
                let malformed = || Malformed::new(column, "id:profile:key, separated by spaces");
                self.home_network_keys = keys.ok_or_else(malformed)?;
            }
            "suciCalculation" => {
                self.suci_calculation = match cell {
                    "" => None,
                    "usim" => Some(SuciCalculation::Usim),
                    "terminal" => Some(SuciCalculation::Terminal),
                    _ => return Err(Malformed::new(column, "usim or terminal")),
                }
            }
            "routingIndicator" => self.routing_indicator = text(),
            "class" | "apns" | "defaultApn" | "voice" | "sms" | "data" | "roaming" | "amf"
                if cell.is_empty() => {}
            "class" => {
                self.subscription().class = Some(match cell {
                    "provisioning" => Class::Provisioning,
                    "operational" => Class::Operational,
                    _ => return Err(Malformed::new("class", "provisioning or operational")),
                });
            }
            "apns" => self.subscription().contract.apns = list(),
            "defaultApn" => self.subscription().contract.default_apn = text(),
            "voice" => self.subscription().contract.voice = truth()?,
            "sms" => self.subscription().contract.sms = truth()?,
            "data" => self.subscription().contract.data = truth()?,
            "roaming" => self.subscription().contract.roaming = Some(truth()?),
            "amf" => self.subscription().amf = text(),
            _ => return Err(Malformed::new("column", "the name of a subscriber's datum")),
        }
        Ok(())
    }

    /// The subscription of a row that says something of one.
    fn subscription(&mut self) -> &mut Subscription {
        self.subscription.get_or_insert_default()
    }
}

/// The rows of a CSV file whose first line names the columns: every subscriber, or why
/// the row is none. Behind `most` of them nothing is read.
///
/// # Errors
/// [`Malformed`] when there is no such line, or it names what a subscriber has not.
pub fn from_csv(bytes: &[u8], most: usize) -> Result<Vec<Result<Subscriber, Malformed>>, Malformed> {
    // A mark of the byte order is what spreadsheets write.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // A quotation mark that is never closed takes all rows behind it into its cell.
    if !bytes.iter().filter(|&&byte| byte == b'"').count().is_multiple_of(2) {
        return Err(Malformed::new("csv", "a quotation mark is never closed"));
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(bytes);
    let columns = reader.headers().map_err(|_| Malformed::new("csv", "not UTF-8"))?.clone();
    let mut probe = Subscriber::default();
    for (at, column) in columns.iter().enumerate() {
        if probe.take(column, "").is_err() {
            let because = format!("column {} is none of a subscriber's", at + 1);
            return Err(Malformed::new("csv", because));
        }
        if columns.iter().take(at).any(|before| before == column) {
            return Err(Malformed::new("csv", format!("{column} is there twice")));
        }
    }
    for needed in ["iccid", "imsi", "k"] {
        if !columns.iter().any(|column| column == needed) {
            return Err(Malformed::new("csv", format!("there is no column {needed}")));
        }
    }
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|_| Malformed::new("row", "not UTF-8"))?;
        if record.len() != columns.len() {
            let because = format!("{} cells, but {} columns", record.len(), columns.len());
            return Err(Malformed::new("row", because));
        }
        let mut subscriber = Subscriber::default();
        for (column, cell) in columns.iter().zip(record.iter()) {
            subscriber.take(column, cell)?;
        }
        Ok(subscriber)
    };
    Ok(reader.records().take(most).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_subscribers() {
        let file = "\u{FEFF}iccid,imsi,k,opc,spn,operatorPlmns,ims,mncLength\r\n\
            8900000000000000001,001010000000001,00,11,\"Aurora, \"\"Inc\"\"\",00101 310410,true,3\r\n\
            8900000000000000002,001010000000002,00,,,,,\r\n\
            8900000000000000003,001010000000003\r\n\
            8900000000000000004,001010000000004,00,,,,,x\r\n";
        let rows = from_csv(file.as_bytes(), 500).unwrap();
        assert_eq!(rows.len(), 4);
        let Ok(first) = &rows[0] else { panic!("the first row is sound") };
        assert_eq!(first.spn.as_deref(), Some("Aurora, \"Inc\""));
        assert_eq!(first.operator_plmns, ["00101", "310410"]);
        assert_eq!((first.ims, first.mnc_length), (true, Some(3)));
        let Ok(second) = &rows[1] else { panic!("the second row is sound") };
        assert_eq!((&second.opc, &second.spn, second.ims), (&None, &None, false));
        assert!(rows[2].as_ref().err().unwrap().because.contains("2 cells, but 8 columns"));
        assert!(rows[3].as_ref().err().unwrap().because.contains("mncLength"));
    }

    #[test]
    fn keys_of_the_home_network_stand_in_one_cell() {
        let read = |cell: &str| {
            let file =
                format!("iccid,imsi,k,homeNetworkKeys,suciCalculation,routingIndicator\n1,2,3,{cell}\n");
            from_csv(file.as_bytes(), 500).unwrap().remove(0)
        };
        let subscriber = read("27:B:02ab 1:A:cd,terminal,678").ok().unwrap();
        let keys: Vec<_> =
            subscriber.home_network_keys.iter().map(|key| (key.id, key.key.as_str())).collect();
        assert_eq!(keys, [(27, "02ab"), (1, "cd")]);
        assert!(matches!(subscriber.suci_calculation, Some(SuciCalculation::Terminal)));
        assert_eq!(subscriber.routing_indicator.as_deref(), Some("678"));
        let nothing = read(",,").ok().unwrap();
        assert!(nothing.home_network_keys.is_empty() && nothing.suci_calculation.is_none());
        for broken in ["1:A,,", "1:C:00,,", "256:A:00,,", "1:A:00:00,,", "1:A:00,phone,"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_file_without_the_right_columns_is_refused_whole() {
        for (file, because) in [
            ("", "no column iccid"),
            ("iccid,imsi\n", "no column k"),
            ("iccid,imsi,k,shoeSize\n", "column 4"),
            ("iccid,imsi,k,k\n", "k is there twice"),
            ("1,2,3\n", "column 1"),
            ("iccid,imsi,k\n1,2,3\n1,\"2,3\n1,2,3\n", "never closed"),
        ] {
            let error = from_csv(file.as_bytes(), 500).err().unwrap();
            assert!(error.because.contains(because), "{file}: {}", error.because);
        }
        assert!(from_csv(b"iccid,imsi,k\n\xFF\xFF,,\n", 500).unwrap()[0].is_err());
    }

    #[test]
    fn no_more_rows_are_read_than_are_wanted() {
        let file = format!("iccid,imsi,k\n{}", ",,\n".repeat(1000));
        assert_eq!(from_csv(file.as_bytes(), 501).unwrap().len(), 501);
    }
}
