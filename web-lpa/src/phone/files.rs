//! Reads the files of the profile that is on.

use std::sync::Arc;

use leptos::prelude::*;
use words::Text;

use super::Phone;
use crate::model::{Files, Slot, Task};

impl Phone {
    /// Reads the files of the enabled profile: on a channel of its own, and nothing is changed.
    pub(crate) fn read_files(&self, slot: Slot, pins: Vec<(u8, ef::Pin)>, thorough: bool) {
        let phone = *self;
        let mut task = Task::new(Text::new("Reading the files", "ファイルを読み取っています"));
        task.portion = Some(0);
        task.can_stop = true;
        self.task(task, async move {
            let files = phone.model.chip(slot).files;
            files.set(Files::default());
            let mut walk = ef::Walk::new(ef::Options { pins, thorough, ..ef::Options::default() });
            let mut response = None;
            // Every file is shown at the end: a signal for each of hundreds is too much.
            let mut read = Files::default();
            let ending = loop {
                match walk.next(response.take().as_deref()) {
                    ef::Step::Send(command) => response = phone.transmit(slot, &command).await.ok(),
                    ef::Step::Pin(tries) => read.pins.push(tries),
                    ef::Step::Found(file) => {
                        let shown = file.place.shown();
                        read.found.push(Arc::new(*file));
                        let portion = (walk.progress() * 100.0) as u8;
                        phone.model.in_task(|task| {
                            task.portion = Some(portion);
                            task.step = Text::new(shown.clone(), shown);
                        });
                    }
                    ef::Step::Done(ending) => break ending,
                }
                if phone.inside().stop.get() {
                    walk.stop();
                }
            };
            read.ending = Some(ending);
            files.set(read);
            Ok(None)
        });
    }
}
