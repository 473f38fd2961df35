//! What the runners of tests say of a test that failed, to be said once more at the end: between
//! the two lie thousands of lines, and who reads a log of CI often gets its two ends only.

/// So many lines of one failure.
const MOST_OF_ONE: usize = 30;

/// So many lines of all together.
const MOST: usize = 150;

/// Collects from the lines of a runner.
#[derive(Default)]
pub(crate) struct Trouble {
    lines: Vec<String>,
    /// How many lines still belong to the failure that was begun.
    more: usize,
}

impl Trouble {
    /// Looks at the next line, without the terminal's escape sequences.
    pub(crate) fn look(&mut self, line: &str) {
        if begins(line) {
            self.more = MOST_OF_ONE;
        } else if ends(line) {
            self.more = 0;
        }
        let is_name = line.starts_with("test ") && line.ends_with("... FAILED");
        if (self.more > 0 || is_name) && self.lines.len() < MOST && !line.trim().is_empty() {
            self.lines.push(line.chars().take(300).collect());
        }
        self.more = self.more.saturating_sub(1);
    }

    /// What was collected.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// Whether a failure is told from here on: by libtest and the runner of wasm-bindgen
/// (`---- name stdout ----`), by node (`✖ name`), by Playwright (`  1) [chromium] › …`).
fn begins(line: &str) -> bool {
    let text = line.trim_start();
    let numbered = text
        .split_once(") [")
        .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    numbered || text.starts_with('✖') || (text.starts_with("---- ") && text.ends_with(" ----"))
}

/// Whether nothing more is told of it.
fn ends(line: &str) -> bool {
    line.starts_with("test result:") || line.starts_with("console output:") || line.trim() == "failures:"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(output: &str) -> Vec<String> {
        let mut trouble = Trouble::default();
        output.lines().for_each(|line| trouble.look(line));
        trouble.lines().to_vec()
    }

    #[test]
    fn what_passed_is_no_trouble() {
        assert!(of("test a ... ok\ntest result: ok. 1 passed; 0 failed\n  ✓  1 [chromium] › a.spec.ts:7:1 › a (4.2s)\n  2 passed (8.0s)\n✔ a (3ms)").is_empty());
    }

    #[test]
    fn each_runner_is_understood() {
        let libtest = "test a::b ... FAILED\ntest c ... ok\n\nfailures:\n\n---- a::b stdout ----\nthread 'a::b' panicked at x.rs:1:1:\nleft: 1\n\n\nfailures:\n    a::b\n\ntest result: FAILED. 0 passed; 1 failed";
        assert_eq!(
            of(libtest),
            [
                "test a::b ... FAILED",
                "---- a::b stdout ----",
                "thread 'a::b' panicked at x.rs:1:1:",
                "left: 1"
            ]
        );
        let playwright = "  ✘  3 [chromium] › a.spec.ts:7:1 › a (4.2s)\n  ✓  4 [chromium] › b\n\n  1) [chromium] › a.spec.ts:7:1 › a ───\n\n    Error: locator.click: Timeout\n";
        assert_eq!(
            of(playwright),
            ["  1) [chromium] › a.spec.ts:7:1 › a ───", "    Error: locator.click: Timeout"]
        );
        let node = "✔ a (1ms)\n✖ b (2ms)\n  AssertionError: no";
        assert_eq!(of(node), ["✖ b (2ms)", "  AssertionError: no"]);
    }

    #[test]
    fn it_stays_short() {
        let one = format!("---- a stdout ----\n{}", "x\n".repeat(1000));
        assert_eq!(of(&one).len(), MOST_OF_ONE);
        assert_eq!(of(&one.repeat(100)).len(), MOST);
        assert!(of(&format!("✖ {}", "é".repeat(5000)))[0].chars().count() <= 300);
    }
}
