//! What only can be checked and done when all elements are there.

use rsp::Imsi;
use saip::response::{EuiccResponse, PeStatus};
use saip::{ProfileHeader, TemplateKind};

use super::{Application, Installed, Installer, Refusal, Step, refuse};
use crate::nvm::Transaction;
use crate::uicc::file::{MF, Tree, put_body};

impl Installer {
    /// What only can be checked and done when all elements are there.
    pub(super) fn conclude(
        &mut self,
        tx: &mut Transaction<'_>,
        header: &ProfileHeader,
    ) -> Result<Installed, Refusal> {
        const EF_ICCID: u16 = 0x2FE2;
        const EF_IMSI: u16 = 0x6F07;
        const EF_UST: u16 = 0x6F38;
        const EF_GID1: u16 = 0x6F3E;
        const EF_GID2: u16 = 0x6F3F;
        let iccid = header.iccid;
        let tree = Tree::new(tx, self.slot);
        let content = |directory, fid| {
            let file = tree.file(directory, fid)?;
            Some(tree.body(file.elementary()?).to_vec())
        };
        if content(MF, EF_ICCID).as_deref() != Some(&iccid.as_bytes()[..]) {
            return refuse(PeStatus::BAD_VALUES, "EF.ICCID is not the ICCID of the header");
        }
        let usim = self.applications.iter().find(|application| application.kind == TemplateKind::Usim);
        let imsi = usim.and_then(|usim| content(usim.directory, EF_IMSI));
        let imsi = imsi.and_then(|content| Imsi::from_ef(&content).ok());
        let services = usim.and_then(|usim| content(usim.directory, EF_UST)).unwrap_or_default();
        let group_identifiers = [(17, EF_GID1), (18, EF_GID2)].map(|(service, fid)| {
            let byte: usize = (service - 1) / 8;
            let available = services.get(byte)? >> ((service - 1) % 8) & 1 == 1;
            content(usim?.directory, fid).filter(|_| available)
        });
        for application in self.applications.clone() {
            self.clear_services(tx, &application)?;
        }
        let mut response = EuiccResponse::ok();
        if !self.warnings.is_empty() {
            response.pe_status = core::mem::take(&mut self.warnings);
        }
        Ok(Installed { iccid, imsi, group_identifiers, only_test_keys: self.only_test_keys, response })
    }

    /// "In the case where a service is not supported (and not indicated as
    /// required) the related bit(s) will be set to zero" (TCA, PE-USIM).
    fn clear_services(&self, tx: &mut Transaction<'_>, application: &Application) -> Step {
        /// What needs an application on the card, or an algorithm, that it does
        /// not have: data download by SMS-CB and USSD (29, 70);
        /// control of calls, short messages, GPRS, EPS PDN connections, IMS
        /// communication and PDU sessions (30, 31, 54, 87, 93, 128); RUN AT
        /// COMMAND (32); security of VGCS, VBS, MBMS and OMA BCAST (64, 65, 69,
        /// 75); GBA and its local keys (68, 76); UICC access to IMS (95).
        const USIM: [usize; 16] = [29, 30, 31, 32, 54, 64, 65, 68, 69, 70, 75, 76, 87, 93, 95, 128];
        /// GBA (2) and its local keys (4), HTTP digest (3), control of IMS
        /// communication (9), UICC access to IMS (10).
        const ISIM: [usize; 5] = [2, 3, 4, 9, 10];
        let (fid, services) = match application.kind {
            TemplateKind::Usim => (0x6F38, &USIM[..]),
            TemplateKind::Isim => (0x6F07, &ISIM[..]),
            _ => return Ok(()),
        };
        let tree = Tree::new(tx, self.slot);
        let Some(file) = tree.file(application.directory, fid) else { return Ok(()) };
        let Some(elementary) = file.elementary() else { return Ok(()) };
        let before = tree.body(elementary);
        let mut table = before.to_vec();
        for service in services {
            let index = service - 1;
            if let Some(byte) = table.get_mut(index / 8) {
                *byte &= !(1 << (index % 8));
            }
        }
        if table != before {
            let body = elementary.body;
            put_body(tx, self.slot, body, table)?;
        }
        Ok(())
    }
}
