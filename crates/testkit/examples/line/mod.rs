//! The line to a server, and a look at its process.
//!
//! CPU is what all threads of the process used (`/proc/PID/task/*/schedstat`): HTTP, JavaScript,
//! WebAssembly, SQLite and the runtime's own threads (garbage collection, compilation) among it.

use std::fs;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// One connection that is kept.
pub(crate) struct Http {
    pub(crate) agent: ureq::Agent,
}

impl Http {
    pub(crate) fn new() -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self { agent: agent.into() }
    }

    /// The status and the JSON of an answer.
    pub(crate) fn ask(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = http::Request::builder()
            .method(method)
            .uri(url)
            .header("x-admin-protocol", "gsma/rsp/v2.2.0")
            .header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some(body) => self.agent.run(request.body(body.to_string()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
        let text = answer.body_mut().read_to_string().unwrap();
        let value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        (answer.status().as_u16(), value)
    }
}

/// Works on all items, each of `threads` on one at a time over a connection of its own; the
/// results are in no order.
pub(crate) fn parallel<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(&Http, T) -> R + Sync,
) -> Vec<R> {
    let (items, results) = (Mutex::new(items), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let http = Http::new();
                loop {
                    let Some(item) = items.lock().unwrap().pop() else { break };
                    let result = work(&http, item);
                    results.lock().unwrap().push(result);
                }
            });
        }
    });
    results.into_inner().unwrap()
}

/// The server's process.
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// What something cost the process.
    pub(crate) fn during<T>(&self, act: impl FnOnce() -> T) -> (T, Duration) {
        let before = self.cpu();
        let done = act();
        (done, self.cpu().saturating_sub(before))
    }

    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).unwrap();
        let spent = tasks.map(|task| {
            let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|spent| spent.parse().ok()).unwrap_or(0)
        });
        Duration::from_nanos(spent.sum())
    }
}
