//! The chip in a card reader: what a World looks like from a computer.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

use ccid::model::{Card, CardDesign, Design, Fault, Reader};
use ccid::{Connection, Driver, Options, discover};
use lpa::{Answer, CardLost, Checkpoint, Effect, Failure, Outcome, Procedure, Question, Reply};

use crate::World;

/// An answer to reset for the chip with T=1 alone: F=512 D=32, IFSC 254, BWI 4, CWI 5, LRC,
/// classes A to C, an eUICC.
pub const T1_ATR: [u8; 13] = [0x3B, 0x92, 0x96, 0x81, 0xB1, 0xFE, 0x45, 0x3F, 0x07, 0x82, 0x45, 0x43, 0x33];

/// A [`World`] whose LPA is at a computer with a reader.
pub struct Desk {
    world: Rc<RefCell<World>>,
    /// The reader, with the World's chip in its first slot.
    pub reader: Reader<Chip>,
    driver: Option<Driver>,
    options: Options,
    /// What goes wrong, and after how many commands.
    fault: Option<(usize, Fault)>,
    /// The command APDUs that the LPA sent, and the responses that it got.
    pub apdus: Vec<(Vec<u8>, Vec<u8>)>,
    /// What each of them took, in simulated time.
    pub times: Vec<Duration>,
}

/// The chip of a World.
pub struct Chip(Rc<RefCell<World>>);

impl Card for Chip {
    fn reset(&mut self) -> Vec<u8> {
        self.0.borrow_mut().reset();
        wasm_euicc::Options::ATR.to_vec()
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        // What is lost between the two is lost by the reader here.
        self.0.borrow_mut().transmit(command).unwrap_or_default()
    }
}

impl Desk {
    /// Puts the chip of a World into a reader.
    #[must_use]
    pub fn new(world: World, design: Design, card: CardDesign) -> Self {
        let world = Rc::new(RefCell::new(world));
        let reader = Reader::with(design, Chip(Rc::clone(&world)), card);
        Self {
            world,
            reader,
            driver: None,
            options: Options::default(),
            fault: None,
            apdus: Vec::new(),
            times: Vec::new(),
        }
    }

    /// The World.
    pub fn world(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    /// Finds the reader and connects the chip, again where it was.
    ///
    /// # Errors
    /// The driver's.
    pub fn connect(&mut self) -> Result<Connection, ccid::Error> {
        let device = self.reader.drive(discover())?;
        let interface = device.readers.into_iter().next().ok_or(ccid::DescriptorError::NoReader)?;
        let driver = Driver::new(device.identity, interface, self.options.clone())?;
        let connection = self.reader.drive(driver.connect(0))?;
        self.driver = Some(driver);
        Ok(connection)
    }

    /// Lets something go wrong with the command after the next `after` ones.
    pub fn fail_after(&mut self, after: usize, fault: Fault) {
        self.fault = Some((self.apdus.len() + after, fault));
    }

    /// Nothing goes wrong any more.
    pub fn mend(&mut self) {
        self.fault = None;
        self.reader.mend();
    }

    /// Puts the chip into the reader again.
    pub fn put_back(&mut self, card: CardDesign) {
        self.reader.remove(0);
        self.reader.insert(0, Chip(Rc::clone(&self.world)), card);
    }

    /// Sends a command APDU to the chip through the reader.
    ///
    /// # Errors
    /// The driver's words for what happened.
    pub fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardLost> {
        let Some(driver) = &self.driver else { return Err(CardLost::said("no reader")) };
        if let Some((_, fault)) = self.fault.take_if(|(after, _)| *after <= self.apdus.len()) {
            self.reader.fail(fault);
        }
        let start = self.reader.now();
        let response = self.reader.drive(driver.transmit(0, command));
        let response = response.map_err(|error| CardLost::said(error.to_string()))?;
        self.times.push(self.reader.now() - start);
        self.apdus.push((command.to_vec(), response.clone()));
        Ok(response)
    }

    /// Drives a procedure of the LPA to its end, the chip reached through the reader.
    ///
    /// # Errors
    /// The procedure's failure.
    pub fn run(
        &mut self,
        mut procedure: Procedure,
        mut user: impl FnMut(&Question) -> Reply,
    ) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        loop {
            answer = match procedure.resume(answer) {
                Effect::Card(command) => Answer::Card(self.transmit(&command)),
                effect => {
                    let refresh = matches!(effect, Effect::Refresh(_));
                    let next = match self.world.borrow_mut().perform(effect, &mut user) {
                        Ok(next) => next,
                        Err(result) => return *result,
                    };
                    match refresh.then(|| self.connect()) {
                        Some(Err(error)) => Answer::Card(Err(CardLost::said(error.to_string()))),
                        _ => next,
                    }
                }
            };
        }
    }

    /// The checkpoint that is kept.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.world.borrow().checkpoint()
    }
}
