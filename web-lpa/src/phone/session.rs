//! The session while nobody uses it: whether the network still has it.
//!
//! What ends elsewhere, because the subscriber attached on another phone or the operator changed its
//! contract, nobody tells a phone of that is at rest: here it asks. It is the page that asks: that is no
//! message between the parties, and stands in no trace.

use std::time::Duration;

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::Phone;
use crate::model::{Radio, Task};
use crate::network::{NetworkError, Session};
use crate::terminal::answered;
use crate::transport::http;

/// How often, while somebody may see what comes of it.
const LOOK: Duration = Duration::from_secs(10);

/// By how much the clocks of page and network may differ, in milliseconds.
const CLOCKS: u64 = 60_000;

impl Phone {
    /// Looks after the session from now on, and after what servers have not been told of: now and then, and
    /// whenever somebody comes back to the page.
    pub(super) fn follow_session(&self) {
        let phone = *self;
        let look = move |comes_back: bool| {
            phone.look_after_session();
            phone.tell_again(comes_back);
        };
        set_interval(move || look(false), LOOK);
        let seen = Closure::<dyn Fn()>::new(move || look(true));
        let listens = seen.into_js_value();
        // Without it the interval is left.
        let _ = document().add_event_listener_with_callback("visibilitychange", listens.unchecked_ref());
    }

    /// Whether it may be asked after the session by itself: there is one, nobody uses it now, and somebody
    /// may see what comes of it.
    pub(crate) fn may_look(&self) -> bool {
        self.model.power.get_untracked()
            && self.model.task.with_untracked(Option::is_none)
            && self.model.radio.with_untracked(|radio| radio.session().is_some())
            && !document().hidden()
            && window().navigator().on_line()
    }

    fn look_after_session(&self) {
        if !self.may_look() || self.inside().is_looking.replace(true) {
            return;
        }
        let phone = *self;
        spawn_local(async move {
            // What it says is heeded already.
            let _ = phone.ask_session::<Session>("", None).await;
            phone.inside().is_looking.set(false);
        });
    }

    /// Asks for what is at `rest` below the session, and heeds that it has ended; with a body it is
    /// posted there.
    pub(crate) async fn ask_session<T: DeserializeOwned>(
        &self,
        rest: &str,
        body: Option<&[u8]>,
    ) -> Result<T, NetworkError> {
        let session = self.terminal().session()?;
        let path = format!("/network/sessions/{}{rest}", session.session_id);
        let method = if body.is_some() { "POST" } else { "GET" };
        let answer = http::send(method, &path, &[], body).await.map_err(NetworkError::Lost)?;
        let answer = answered(&answer);
        if let Err(error) = &answer
            // A task sees to it itself.
            && self.model.task.with_untracked(Option::is_none)
            && self.has_run_out(&session, error)
        {
            self.attach_by_itself();
        }
        answer
    }

    /// Takes over that the network has ended a session; whether it was because its time was up. Who has
    /// taken the subscriber along keeps it, but what has only run out is opened again.
    pub(crate) fn has_run_out(&self, session: &Session, error: &NetworkError) -> bool {
        let id = &session.session_id;
        let is_own = |radio: &Radio| radio.session().is_some_and(|own| own.session_id == *id);
        if !error.is_session_gone() || !self.model.radio.with_untracked(is_own) {
            return false;
        }
        self.model.radio.set(Radio::NoService(error.clone()));
        session.expires != 0 && session.expires <= (js_sys::Date::now() as u64).saturating_add(CLOCKS)
    }

    /// Whether the phone had a session that the network has ended.
    pub(super) fn has_lost_session(&self) -> bool {
        self.model
            .radio
            .with_untracked(|radio| matches!(radio, Radio::NoService(error) if error.is_session_gone()))
    }

    /// Attaches again; what the phone says meanwhile it says afterwards, too.
    fn attach_by_itself(&self) {
        let phone = *self;
        let said = self.model.notice.get_untracked();
        self.task(Task::new(Text::new("Attaching", "アタッチしています")), async move {
            phone.terminal().attach().await;
            phone.send_cancellations_beside();
            Ok(said)
        });
    }
}
