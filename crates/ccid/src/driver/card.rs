//! Power, answer to reset, and the agreement on a protocol and a rate.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Connection, Parameters, Reader, Report, Session};
use crate::atr::{Atr, Factors, Protocol, pps};
use crate::descriptor::{Features, Level, Voltage};
use crate::error::{Error, SlotError};
use crate::message::{Icc, kind};
use crate::t1::{Edc, Host};

/// Between switching a card off and on again (ISO 7816-3 §6.2.4 asks for 10 ms).
const OFF: Duration = Duration::from_millis(20);

impl Reader {
    pub(super) async fn connect(&self, slot: u8) -> Result<Connection, Error> {
        {
            let mut slot = self.slot(slot)?;
            slot.session = None;
            slot.ended = None;
            slot.seen = slot.told;
        }
        self.apdu_mode(slot).await?;
        let status = self.ask(slot, kind::GET_SLOT_STATUS, [0; 3], Vec::new()).await?;
        match status.icc() {
            Icc::Absent => return Err(Error::NoCard),
            // A card with power may be anywhere; what comes next shall be its cold reset.
            Icc::Active => {
                self.power_off(slot).await?;
                self.io.wait(OFF).await?;
            }
            Icc::Inactive => {}
        }
        let (voltage, atr) = self.power_up(slot).await?;
        let protocol = self.choose(slot, &atr)?;
        let (atr, factors) = self.negotiate(slot, voltage, atr, protocol).await?;
        let level = self.features(slot).level();
        let connection = Connection { atr, protocol, factors, voltage, level };
        let t1 = match (level, protocol) {
            (Level::Tpdu, Protocol::T1) => Some(self.offer_ifsd(slot, &connection.atr).await?),
            _ => None,
        };
        self.slot(slot)?.session = Some(Session { connection: connection.clone(), t1 });
        Ok(connection)
    }

    /// Switches a reader to APDUs that can and says TPDUs.
    async fn apdu_mode(&self, slot: u8) -> Result<(), Error> {
        let escape = {
            let state = self.state.borrow();
            let wanted = state.options.apdu_mode && state.interface.reader.features.level() == Level::Tpdu;
            state.quirks.apdu_mode.filter(|_| wanted)
        };
        let Some(escape) = escape else { return Ok(()) };
        match self.escape(slot, escape.to_vec()).await {
            Ok(_) => self.slot(slot)?.level = Some(Level::ShortApdu),
            Err(Error::Refused { .. }) => self.slot(slot)?.level = None,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn power_off(&self, slot: u8) -> Result<(), Error> {
        match self.ask(slot, kind::ICC_POWER_OFF, [0; 3], Vec::new()).await {
            Ok(_) | Err(Error::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The voltages to try, in order: the reader's choice where it has one, then each that it
    /// can give, the lowest first.
    fn voltages(&self, slot: u8) -> Vec<Voltage> {
        let auto = self.features(slot).has(Features::AUTO_VOLTAGE);
        let voltages = self.state.borrow().interface.reader.voltages;
        let mut order = Vec::new();
        // A reader that can none has one and does not say which.
        if auto || voltages.0 & 7 == 0 {
            order.push(Voltage::Auto);
        }
        order.extend(Voltage::LOWEST_FIRST.into_iter().filter(|voltage| voltages.has(*voltage)));
        order
    }

    async fn power_up(&self, slot: u8) -> Result<(Voltage, Atr), Error> {
        let mut order = self.voltages(slot);
        let mut last = Error::Mute;
        while !order.is_empty() {
            let voltage = order.remove(0);
            match self.power_on(slot, voltage).await {
                Ok(atr) => {
                    // ISO 7816-3 §6.2.4: a card that says it is of other classes is switched
                    // off and given what it wants.
                    let class = match voltage {
                        Voltage::Auto => None,
                        Voltage::V5 => Some(1),
                        Voltage::V3 => Some(2),
                        Voltage::V1_8 => Some(4),
                    };
                    let fits = class.zip(atr.classes()).is_none_or(|(class, classes)| class & classes != 0);
                    let wanted = order.iter().position(|other| {
                        let bit = 1_u8 << other.select().saturating_sub(1);
                        *other != Voltage::Auto && atr.classes().is_some_and(|classes| classes & bit != 0)
                    });
                    match wanted {
                        Some(at) if !fits => order = vec![order.remove(at)],
                        _ => return Ok((voltage, atr)),
                    }
                }
                Err(error @ (Error::Refused { .. } | Error::Atr(_))) => {
                    self.io.report(Report::PowerFailed { voltage, error }).await?;
                    // That the reader cannot give a voltage says nothing of the card.
                    if !matches!(error, Error::Refused { code: SlotError::BAD_PARAMETER_7, .. })
                        || last == Error::Mute
                    {
                        last = error;
                    }
                }
                Err(error) => return Err(error),
            }
            self.power_off(slot).await?;
            if !order.is_empty() {
                self.io.wait(OFF).await?;
            }
        }
        Err(match last {
            Error::Refused { code: SlotError::MUTE, .. } => Error::Mute,
            error => error,
        })
    }

    async fn power_on(&self, slot: u8, voltage: Voltage) -> Result<Atr, Error> {
        self.io.report(Report::PowerOn { slot, voltage }).await?;
        let answer = self.ask(slot, kind::ICC_POWER_ON, [voltage.select(), 0, 0], Vec::new()).await?;
        self.expect(&answer, kind::DATA_BLOCK)?;
        Ok(Atr::parse(&answer.data)?)
    }

    /// The protocol: what the card insists on, what was asked for, what it begins with, in this
    /// order as far as the reader can.
    fn choose(&self, slot: u8, atr: &Atr) -> Result<Protocol, Error> {
        let state = self.state.borrow();
        let offered = if let Some(ta2) = atr.ta2() {
            match ta2 & 0x0F {
                0 => vec![Protocol::T0],
                1 => vec![Protocol::T1],
                _ => Vec::new(),
            }
        } else {
            atr.protocols()
        };
        let protocols = state.interface.reader.protocols;
        let contactless = state.quirks.is_contactless(slot);
        let can = |protocol: &Protocol| {
            // Some readers list none.
            protocols & 3 == 0 || protocols & (1 << protocol.number()) != 0 || contactless
        };
        let mut possible = offered.into_iter().filter(can);
        let wanted = state.options.protocol;
        let first = possible.next().ok_or(Error::NoProtocol)?;
        Ok(wanted.filter(|wanted| possible.any(|other| other == *wanted)).unwrap_or(first))
    }

    /// Agrees with the card on protocol and rate and tells the reader, as far as the reader
    /// does not do it; returns the ATR again, since a card that does not agree is reset.
    async fn negotiate(
        &self,
        slot: u8,
        voltage: Voltage,
        mut atr: Atr,
        protocol: Protocol,
    ) -> Result<(Atr, Factors), Error> {
        let features = self.features(slot);
        let by_itself = features.has(Features::AUTO_NEGOTIATION);
        let pps_by_itself = by_itself || features.has(Features::AUTO_PPS);
        let specific = atr.ta2();
        let rates = if by_itself { Vec::new() } else { self.rates().await? };
        let mut factors = match specific {
            // Bit 5: implicit values that nobody here knows.
            Some(ta2) if ta2 & 0x10 != 0 => Factors::DEFAULT,
            Some(_) => atr.factors(),
            None => self.fastest(&atr, &rates),
        };
        if features.level() == Level::Tpdu && !pps_by_itself && specific.is_none() {
            (atr, factors) = self.pps(slot, voltage, atr, protocol, factors).await?;
        }
        let knows_parameters = by_itself || features.has(Features::AUTO_PARAMETERS) && pps_by_itself;
        if knows_parameters {
            // What the reader has agreed on; one that does not say is believed.
            match self.parameters(slot, kind::GET_PARAMETERS, 0, Vec::new()).await {
                Ok(parameters) => {
                    factors = Factors::from_ta1(parameters.factors()).unwrap_or(factors);
                    if parameters.protocol() != protocol.number() {
                        // The reader took the card's first; ask for ours.
                        self.set(slot, &atr, protocol, factors, features).await?;
                    }
                }
                Err(Error::Refused { .. } | Error::Message(_)) => {}
                Err(error) => return Err(error),
            }
        } else {
            self.set(slot, &atr, protocol, factors, features).await?;
        }
        let rate = factors.rate(self.state.borrow().interface.reader.default_clock);
        self.io.report(Report::Negotiated { protocol, factors, rate }).await?;
        Ok((atr, factors))
    }

    /// The rates that the reader can besides those between its least and its greatest.
    async fn rates(&self) -> Result<Vec<u32>, Error> {
        let count = self.state.borrow().interface.reader.data_rates;
        self.list(crate::message::request::GET_DATA_RATES, count).await
    }

    /// The fastest of the card's rates that the reader can.
    fn fastest(&self, atr: &Atr, rates: &[u32]) -> Factors {
        let state = self.state.borrow();
        let reader = &state.interface.reader;
        let most = state.quirks.max_data_rate.unwrap_or(u32::MAX).min(reader.max_data_rate);
        let can = |factors: &Factors| {
            let rate = factors.rate(reader.default_clock);
            // Readers round.
            let near = |listed: &u32| listed.abs_diff(rate) <= rate / 256 + 1;
            // One that does not list its rates has all between.
            rate <= most.saturating_add(1) && (rates.is_empty() || rates.iter().any(near))
        };
        let offered = atr.factors();
        // Slower than the default is what nobody asks for.
        let faster = |factors: &Factors| {
            factors.rate(reader.default_clock) > Factors::DEFAULT.rate(reader.default_clock)
        };
        offered.and_slower().into_iter().filter(faster).find(can).unwrap_or(Factors::DEFAULT)
    }

    /// PPS as far as it is needed: for another protocol than the first, for another rate than
    /// the default. A card that does not agree is reset and asked for less.
    async fn pps(
        &self,
        slot: u8,
        voltage: Voltage,
        mut atr: Atr,
        protocol: Protocol,
        wanted: Factors,
    ) -> Result<(Atr, Factors), Error> {
        let other_protocol = protocol.number() != atr.first_protocol();
        let mut candidates = vec![wanted];
        if wanted != Factors::DEFAULT {
            candidates.push(Factors::DEFAULT);
        }
        for factors in candidates {
            if factors == Factors::DEFAULT && !other_protocol {
                return Ok((atr, factors));
            }
            let request = pps::request(protocol, factors);
            match self.block(slot, request.clone(), 0).await {
                Ok(answer) => {
                    if let Some(factors) = pps::agreed(&request, &answer) {
                        return Ok((atr, factors));
                    }
                }
                Err(Error::Refused { .. } | Error::CardReset) => {}
                Err(error) => return Err(error),
            }
            self.io.report(Report::NotNegotiated(factors)).await?;
            // ISO 7816-3 §9.1: an exchange that failed ends in a reset.
            self.power_off(slot).await?;
            self.io.wait(OFF).await?;
            atr = self.power_on(slot, voltage).await?;
        }
        Err(Error::NoProtocol)
    }

    async fn set(
        &self,
        slot: u8,
        atr: &Atr,
        protocol: Protocol,
        factors: Factors,
        features: Features,
    ) -> Result<(), Error> {
        let parameters = Parameters::of(atr, protocol, factors);
        let times = 1 + u8::from(self.state.borrow().quirks.set_parameters_twice);
        for _ in 0..times {
            let number = parameters.protocol();
            match self.parameters(slot, kind::SET_PARAMETERS, number, parameters.to_vec()).await {
                Ok(_) => {}
                // A reader that exchanges APDUs and knows no parameters knows better.
                Err(Error::Refused { code: SlotError::NOT_SUPPORTED, .. })
                    if features.level() != Level::Tpdu => {}
                // An answer without what is in force.
                Err(Error::Message(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// T=1 as after a reset, and the card told how much may come in one block.
    async fn offer_ifsd(&self, slot: u8, atr: &Atr) -> Result<Host, Error> {
        let edc = if atr.uses_crc() { Edc::Crc } else { Edc::Lrc };
        let (size, room) = {
            let state = self.state.borrow();
            let reader = &state.interface.reader;
            let fits = reader.max_message.saturating_sub(10 + 3 + edc.len() as u32);
            let most = state.quirks.max_ifsd.unwrap_or(reader.max_ifsd);
            let bytes = |most: u32| u8::try_from(most).unwrap_or(u8::MAX).min(crate::t1::MOST);
            (bytes(most.min(fits)), bytes(fits))
        };
        let host = Host::new(edc, atr.ifsc()).within(room);
        if !self.features(slot).has(Features::AUTO_IFSD) && size > 32 {
            let mut link = super::apdu::Blocks { reader: self, slot };
            host.offer(&mut link, size).await?;
        }
        Ok(host)
    }
}
