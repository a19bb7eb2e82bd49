//! A headless Chromium that a test drives over its DevTools protocol: it opens a file, clicks, presses keys, and tells what the page asked for.
//!
//! Every wait is bounded; the browser has a profile of its own under the temporary folder, and is ended by its own id.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tungstenite::{Message, WebSocket};

use crate::common::Folder;

/// A browser that needs longer than this for one thing hangs. Generous: two slow cores may start several at once.
const LIMIT: Duration = Duration::from_secs(60);

/// A browser with one page.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    next: u64,
    /// What the page told without being asked: events of the protocol, oldest first.
    pub events: Vec<Json>,
    _profile: Folder,
}

/// The browser's name; `None` and a word about it where there is none. In CI it has to be there.
fn program_or_skip() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let is_here = |name: &&str| {
        let asked = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    let found = names.into_iter().find(is_here);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no Chromium is installed, and in CI it must be");
        eprintln!("skipped: no Chromium is installed");
    }
    found
}

impl Browser {
    /// Starts one. `None` where no Chromium is installed.
    pub fn start(arguments: &[&str]) -> Option<Browser> {
        let program = program_or_skip()?;
        let profile = Folder::new();
        let mut command = Command::new(program);
        command.args([
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--remote-debugging-port=0",
            "--window-size=1200,900",
        ]);
        // A browser's own updates and look-ups are not the page's.
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).args(arguments);
        // Its sandbox refuses to run as root, which a container's user often is.
        if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            command.arg("--no-sandbox");
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (sender, address) = channel();
        // Read to its end: a full pipe would stop the browser.
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    let _ = sender.send(address.to_string());
                }
            }
        });
        let address = address.recv_timeout(LIMIT).expect("the browser says where it listens");
        let host = address.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).unwrap();
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let (socket, _) = tungstenite::client(&address, stream).unwrap();
        let mut browser =
            Browser { child, socket, session: String::new(), next: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().unwrap().to_string();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Opens a file and waits until it is loaded and painted; how long that took.
    pub fn open(&mut self, file: &Path) -> Duration {
        let started = Instant::now();
        self.events.clear();
        let url = format!("file://{}", file.display());
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{opened}");
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            self.receive();
        }
        self.value("new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 0)))");
        started.elapsed()
    }

    /// What an expression gives, as JSON; a promise is waited for.
    pub fn value(&mut self, expression: &str) -> Json {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", ask);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What an expression gives, as text.
    pub fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_else(|| panic!("no text: {expression}")).to_string()
    }

    /// A real click with the mouse on the middle of an element, which has to be what the mouse meets there.
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{block: 'center'}}); \
             const box = it.getBoundingClientRect(); const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]; \
             return {{x, y, met: it.contains(document.elementFromPoint(x, y))}}; }})()"
        ));
        assert_eq!(place["met"], true, "something lies over `{selector}`");
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Presses a key: `Enter`, `ArrowDown`, `Escape`, `Tab`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            other => panic!("{other} has no code here"),
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event =
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// What the page tried to fetch since it was opened, itself not counted.
    pub fn requests(&mut self) -> Vec<String> {
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        asked.map(|event| event["params"]["request"]["url"].to_string()).skip(1).collect()
    }

    /// What went wrong on the page: exceptions, refusals of its policy, dialogs.
    pub fn troubles(&self) -> Vec<String> {
        let is_trouble = |event: &&Json| {
            let method = event["method"].as_str().unwrap_or_default();
            matches!(method, "Runtime.exceptionThrown" | "Log.entryAdded" | "Page.javascriptDialogOpening")
        };
        self.events.iter().filter(is_trouble).map(Json::to_string).collect()
    }

    /// Calls a method of the protocol and waits for its answer.
    pub fn call(&mut self, method: &str, params: Json) -> Json {
        self.next += 1;
        let id = self.next;
        let mut request = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(request.to_string())).unwrap();
        loop {
            if let Some(answer) = self.receive().filter(|answer| answer["id"] == id) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// The next answer; an event is kept.
    fn receive(&mut self) -> Option<Json> {
        let message = self.socket.read().expect("the browser answers in time");
        let message: Json = serde_json::from_str(message.to_text().unwrap()).unwrap();
        if message["id"].is_null() {
            self.events.push(message);
            return None;
        }
        Some(message)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its helpers end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
