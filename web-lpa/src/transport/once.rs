//! A value that comes later, once.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// Puts the value in.
pub(crate) struct Sender<T>(Weak<RefCell<Slot<T>>>);

/// A pair of ends; the future is `None` when the sender was dropped.
pub(crate) fn channel<T>() -> (Sender<T>, impl Future<Output = Option<T>>) {
    let slot = Rc::new(RefCell::new(Slot { value: None, waker: None }));
    let sender = Sender(Rc::downgrade(&slot));
    let receiver = poll_fn(move |context| {
        let abandoned = Rc::weak_count(&slot) == 0;
        let mut inside = slot.borrow_mut();
        match inside.value.take() {
            Some(value) => Poll::Ready(Some(value)),
            None if abandoned => Poll::Ready(None),
            None => {
                inside.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    });
    (sender, receiver)
}

impl<T> Sender<T> {
    /// Puts the value in and wakes who waits for it.
    pub(crate) fn send(self, value: T) {
        if let Some(slot) = self.0.upgrade() {
            slot.borrow_mut().value = Some(value);
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // The weak end goes before the waiting side looks: it then sees that none is left.
        let slot = std::mem::take(&mut self.0).upgrade();
        if let Some(waker) = slot.and_then(|slot| slot.borrow_mut().waker.take()) {
            waker.wake();
        }
    }
}
