//! `flow save FILE.html` in a browser: what is seen, clicked and pressed there, and that nothing a peer sent runs.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod browser;
mod common;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use browser::Browser;
use common::{Running, Shell};

/// A page of so many messages opens within this: the issue's own number.
const OPENS_WITHIN: Duration = Duration::from_secs(2);

const LECTURE: &str = r#"
## 1. Connect
listen 0 as server
connect 127.0.0.1:$server.port as ada
accept as seat
## 2. The id
@seat send {"clientid": 7}
@ada expect {"clientid": int}
## 3. The answer
@ada send {"name": "<b>Ada</b>", "github": "ada"}
? @ada recv within 20ms
close ada
flow save page.html
"#;

/// The page that a script saves; the folder lives as long as the run.
fn page(script: &str) -> (Running, PathBuf) {
    let shell = Shell::new(["-"]).stdin(script);
    let file = shell.path().join("page.html");
    let mut running = shell.start();
    running.wait_for("picture saved as page.html");
    (running, file)
}

#[test]
fn a_click_on_an_arrow_shows_its_value_and_its_bytes() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let (_running, file) = page(LECTURE);
    browser.open(&file);
    let lanes = browser.value("[...document.querySelectorAll('.name')].map(it => it.textContent)");
    assert_eq!(lanes, serde_json::json!(["ada", "server", "seat"]));
    let seen = browser
        .value("[...document.querySelectorAll('.label')].map(it => it.innerText.replace(/\\s+/g, ' '))");
    let port = regex::Regex::new(r":\d+").unwrap();
    let seen: Vec<String> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|text| port.replace(text.as_str().unwrap(), ":PORT").into_owned())
        .collect();
    assert_eq!(
        seen,
        [
            "listening on 127.0.0.1:PORT",
            "connect",
            "accept",
            "(1) {'clientid': 7} 21 B",
            "read (1), as expected",
            "(2) {'name': '<b>Ada</b>', 'github': 'ada'} 49 B, not read",
            "no message in 20ms",
            "close (FIN)",
        ]
    );
    assert_eq!(browser.value("document.querySelectorAll('path.arrow.message').length"), 2);
    assert_eq!(browser.text("document.querySelector('.label.silence').innerText"), "no message in 20ms");
    assert_eq!(browser.value("document.getElementById('detail').hidden"), true);
    browser.click("button.label.message");
    let detail = browser.text("document.getElementById('detail').innerText");
    for part in
        ["(1) seat \u{2192} ada", "21 B, pickle 3", "{'clientid': 7}", "EMPTY_DICT", "BINUNICODE", "stack"]
    {
        assert!(detail.contains(part), "no `{part}` in:\n{detail}");
    }
    browser.click(".shut");
    assert_eq!(browser.value("document.getElementById('detail').hidden"), true);
    assert_eq!(browser.requests(), Vec::<String>::new());
    assert_eq!(browser.troubles(), Vec::<String>::new());
}

#[test]
fn keys_move_between_messages_and_phases_fold() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let (_running, file) = page(LECTURE);
    browser.open(&file);
    let focused = "document.activeElement.innerText.replace(/\\s+/g, ' ')";
    browser.press("ArrowDown");
    assert_eq!(browser.text(focused), "1. Connect");
    browser.press("ArrowDown");
    browser.press("ArrowDown");
    assert_eq!(browser.text(focused), "(1) {'clientid': 7} 21 B");
    browser.press("Enter");
    assert_eq!(browser.text("document.querySelector('#detail h2').innerText"), "(1) seat \u{2192} ada");
    // An open detail goes along; Tab moves on too.
    browser.press("ArrowDown");
    assert_eq!(browser.text("document.querySelector('#detail h2').innerText"), "ada: read (1), as expected");
    browser.press("Escape");
    assert_eq!(browser.value("document.getElementById('detail').hidden"), true);
    assert_eq!(browser.text(focused), "read (1), as expected");
    browser.press("Tab");
    assert_eq!(browser.text(focused), "3. The answer");
    browser.press("Enter");
    let rows = "[...document.querySelectorAll('section:nth-of-type(4) .row')].filter(it => it.checkVisibility()).length";
    assert_eq!(browser.value(rows), 0);
    assert_eq!(browser.text("document.activeElement.getAttribute('aria-expanded')"), "false");
    // On paper everything is unfolded and nothing is a control.
    browser.call("Emulation.setEmulatedMedia", serde_json::json!({"media": "print"}));
    assert_eq!(browser.value(rows), 3);
    assert_eq!(browser.value("document.getElementById('controls').checkVisibility()"), false);
    browser.call("Emulation.setEmulatedMedia", serde_json::json!({"media": ""}));
    browser.click("#unfold");
    assert_eq!(browser.value(rows), 3);
    browser.click("#fold");
    assert_eq!(browser.value("document.querySelectorAll('.folded').length"), 3);
    assert_eq!(browser.troubles(), Vec::<String>::new());
}

#[test]
fn nothing_that_a_peer_sent_runs_and_nothing_leaves_the_page() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    // As a value, as a key, as text that ends a script, as a phase, as a host, as the name of somebody in a class.
    let hostile =
        "<img src=x onerror=window.ran=1>\\x1b[31m</script><script>window.ran=1</script><!--{{data}}";
    let script = format!(
        r#"
listen 0 as server
connect 127.0.0.1:$server.port as ada
accept as seat
## <img src=x onerror=window.ran=1></script><svg onload=window.ran=1> {{{{script}}}}
@seat send {{"{hostile}": "{hostile}"}}
@ada recv
@seat send text "{hostile}"
? @ada recv
! @ada expect {{"{hostile}": 1}} within 10ms
! connect "<img src=x onerror=window.ran=1>" 1
serve 0 as class
connect 127.0.0.1:$class.port as student
expect {{"clientid": int}}
send {{"student_name": "{hostile}", "sid": 7}}
wait class for 1 passed within 5s
flow save page.html
"#
    );
    let (_running, file) = page(&script);
    browser.open(&file);
    let buttons = browser.value("[...document.querySelectorAll('button.label')].map(it => it.dataset.row)");
    let buttons = buttons.as_array().unwrap();
    assert!(buttons.len() >= 8, "{buttons:?}");
    for row in buttons {
        browser.click(&format!("button.label[data-row='{}']", row.as_str().unwrap()));
    }
    browser.value("new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 0)))");
    assert_eq!(browser.value("typeof window.ran"), "undefined");
    assert_eq!(
        browser.value("document.querySelectorAll('img, svg[onload], script:not([type]) ~ script').length"),
        0
    );
    let shown = browser.text("document.body.innerText");
    assert!(shown.contains("<img src=x onerror=window.ran=1>\\x1b[31m</script>"), "{shown}");
    assert!(shown.contains("identified: <img src=x onerror=window.ran=1>\\x1b[31m</script>"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert_eq!(browser.requests(), Vec::<String>::new());
    assert_eq!(browser.troubles(), Vec::<String>::new());
    // Where markup came in all the same, the page's policy would hold: neither a script nor a picture of somebody else.
    browser.value(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:9/x\" onerror=\"window.ran=1\">'); \
         const more = document.createElement('script'); more.textContent = 'window.ran = 1'; document.body.append(more); \
         new Promise(done => setTimeout(() => done(true), 100))",
    );
    assert_eq!(browser.value("typeof window.ran"), "undefined");
    assert!(
        browser.troubles().iter().any(|told| told.contains("Content Security Policy")),
        "{:?}",
        browser.troubles()
    );
}

#[test]
fn a_picture_of_two_thousand_messages_opens_at_once() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let mut script = String::from("listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n");
    for number in 0..2000 {
        if number % 100 == 0 {
            let _ = writeln!(script, "## Part {}", number / 100);
        }
        let _ = writeln!(script, "@ada send {{\"number\": {number}, \"name\": \"Ada\"}}\n@seat recv");
    }
    let (_running, file) = page(&(script + "flow save page.html\n"));
    let took = browser.open(&file);
    assert_eq!(browser.value("document.querySelectorAll('path.arrow.message').length"), 2000);
    assert!(took < OPENS_WITHIN, "2,000 messages took {took:?} to open");
    browser.click("button.label[data-row='4020']");
    let detail = browser.text("document.getElementById('detail').innerText");
    assert!(detail.contains("{'number': 1998, 'name': 'Ada'}"), "{detail}");
}
