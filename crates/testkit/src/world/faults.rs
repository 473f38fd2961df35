//! What goes wrong on the wires, at will.

use apdu::StatusWord;
use http::Response;
use net_policy_worker::router::LinkFailure;
use rsp::status::{FunctionExecutionStatus, ResponseHeader, StatusCode};
use serde_json::{Value, json};

use super::World;

/// Sees a command before the chip does.
type ChangeCommand = Box<dyn FnMut(&mut Vec<u8>)>;
/// Sees an answer of the SM-DP+, with its target, before the LPA does.
type ChangeAnswer = Box<dyn FnMut(&str, &mut Vec<u8>)>;

/// What goes wrong on the wires.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) change_command: Option<ChangeCommand>,
    pub(super) change_answer: Option<ChangeAnswer>,
    pub(super) lose_answer_of: Option<String>,
    pub(super) lose_request_of: Option<String>,
    pub(super) instead: Option<Instead>,
    pub(super) call: Option<(usize, CallFault)>,
    pub(super) card: Option<(usize, CardFault)>,
}

/// What comes back in the place of a server's answer.
pub(super) struct Instead {
    pub(super) function: String,
    /// Whether the server has heard the request, and done what it asks for.
    pub(super) heard: bool,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Instead {
    pub(super) fn answer(&self) -> Result<Response<Vec<u8>>, LinkFailure> {
        let answer = Response::builder()
            .status(self.status)
            .header("content-type", "application/json")
            .header("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL)
            .body(self.body.clone());
        answer.map_err(|_| LinkFailure::Late)
    }
}

/// What goes wrong between the LPA and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// The request does not reach the server.
    RequestLost,
    /// The server has done it, and nobody hears of it.
    AnswerLost,
}

impl CallFault {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::RequestLost, Self::AnswerLost];
}

/// What goes wrong between terminal and chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardFault {
    /// The command does not reach the chip.
    CommandLost,
    /// The chip has done it, and nobody hears of it.
    AnswerLost,
    /// The power fails before the chip has the command.
    PowerBefore,
    /// The power fails when the chip has done it, and nobody hears of it.
    PowerAfter,
    /// The command is answered with this status word, and not done.
    Refused(StatusWord),
    /// The chip has done it, and this status word comes in the place of its answer.
    Misreported(StatusWord),
}

impl CardFault {
    /// All by which a message is lost.
    pub const ALL: [Self; 4] = [Self::CommandLost, Self::AnswerLost, Self::PowerBefore, Self::PowerAfter];
}

impl World {
    /// From now on `change` sees every command before the chip does.
    pub fn change_commands(&self, change: impl FnMut(&mut Vec<u8>) + 'static) {
        self.faults.borrow_mut().change_command = Some(Box::new(change));
    }

    /// From now on `change` sees every answer of the SM-DP+, with its target, before
    /// the LPA does.
    pub fn change_answers(&self, change: impl FnMut(&str, &mut Vec<u8>) + 'static) {
        self.faults.borrow_mut().change_answer = Some(Box::new(change));
    }

    /// From now on this function is refused with this code, and the server does not hear of
    /// the request.
    pub fn refuse(&self, function: &str, code: StatusCode) {
        let body = json!({ "header": ResponseHeader::failed(code, "") }).to_string().into_bytes();
        self.answer_unheard(function, 200, body);
    }

    /// From now on this function is answered like this, and the server does not hear of the
    /// request.
    pub fn answer_unheard(&self, function: &str, status: u16, body: Vec<u8>) {
        let function = function.to_owned();
        self.faults.borrow_mut().instead = Some(Instead { function, heard: false, status, body });
    }

    /// From now on the server does what this function asks for, and this comes back in the
    /// place of its answer.
    pub fn answer_heard(&self, function: &str, status: u16, body: Vec<u8>) {
        let function = function.to_owned();
        self.faults.borrow_mut().instead = Some(Instead { function, heard: true, status, body });
    }

    /// From now on the answers of this function say this of how it was executed, and carry
    /// what they carry otherwise.
    pub fn change_status_of(&self, function: &str, status: FunctionExecutionStatus) {
        let function = function.to_owned();
        self.change_answers(move |target, body| {
            let answer = serde_json::from_slice(body).ok().filter(|_| target.ends_with(&function));
            if let Some(Value::Object(mut answer)) = answer {
                let header = ResponseHeader { function_execution_status: status.clone() };
                answer.insert("header".into(), json!(header));
                *body = Value::Object(answer).to_string().into_bytes();
            }
        });
    }

    /// All wires are sound again.
    pub fn mend(&self) {
        *self.faults.borrow_mut() = Faults::default();
    }

    /// The next answer of this function is lost on its way.
    pub fn lose_answer_of(&self, function: &str) {
        self.faults.borrow_mut().lose_answer_of = Some(function.to_owned());
    }

    /// The next request of this function is lost on its way.
    pub fn lose_request_of(&self, function: &str) {
        self.faults.borrow_mut().lose_request_of = Some(function.to_owned());
    }

    /// This goes wrong at the `nth` call of a server from now.
    pub fn fail_call_at(&self, nth: usize, fault: CallFault) {
        self.faults.borrow_mut().call = Some((self.calls() + nth, fault));
    }

    /// The power is cut instead of the `nth` command from now.
    pub fn cut_power_at(&self, nth: usize) {
        self.fail_at(nth, CardFault::PowerBefore);
    }

    /// This goes wrong at the `nth` command from now.
    pub fn fail_at(&self, nth: usize, fault: CardFault) {
        self.faults.borrow_mut().card = Some((self.commands + nth, fault));
    }
}
