//! One tab, as a person uses it: what stands there, what a key does, what it looks like.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::harness::wait::{eventually, within};

/// A tab in a browser of its own.
pub struct Tab {
    chromium: Chromium,
    session: String,
    /// What was asked for over the network, and what went wrong.
    requests: Vec<String>,
    complaints: Vec<String>,
}

/// How the tab looks at pages.
#[derive(Clone, Copy, Debug)]
pub struct Glass {
    pub width: u32,
    pub height: u32,
    pub colours: &'static str,
}

impl Glass {
    pub const DESK: Self = Self { width: 1280, height: 900, colours: "light" };
    pub const NIGHT: Self = Self { colours: "dark", ..Self::DESK };
    pub const PHONE: Self = Self { width: 360, height: 740, ..Self::DESK };
}

impl Tab {
    pub fn new() -> Self {
        let mut chromium = Chromium::start();
        let target = chromium.call(None, "Target.createTarget", &json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": target["targetId"], "flatten": true });
        let session = chromium.call(None, "Target.attachToTarget", &attached)["sessionId"].as_str().unwrap().to_owned();
        let mut tab = Self { chromium, session, requests: Vec::new(), complaints: Vec::new() };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.call(&format!("{domain}.enable"), &json!({}));
        }
        tab.look_through(Glass::DESK);
        tab
    }

    /// A tab whose browser runs no script.
    pub fn without_script() -> Self {
        let mut tab = Self::new();
        tab.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
        tab
    }

    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.chromium.call(Some(&self.session), method, parameters)
    }

    pub fn look_through(&mut self, glass: Glass) {
        let metrics = json!({ "width": glass.width, "height": glass.height, "deviceScaleFactor": 1, "mobile": glass.width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        let colours = json!({ "features": [{ "name": "prefers-color-scheme", "value": glass.colours }] });
        self.call("Emulation.setEmulatedMedia", &colours);
    }

    /// Goes there, and waits until the page is whole.
    pub fn go(&mut self, url: &str) {
        let gone = self.call("Page.navigate", &json!({ "url": url }));
        assert!(gone.get("errorText").is_none(), "{url}: {gone}");
        eventually("the page is whole", || (self.ask("document.readyState === 'complete'") == true).then_some(()));
    }

    /// Goes there, and waits until the page follows what happens.
    pub fn follow(&mut self, url: &str) {
        self.go(url);
        eventually("the page is live", || {
            (self.ask("document.getElementById('live')?.textContent") == "Live.").then_some(())
        });
    }

    /// What this expression is.
    pub fn ask(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// The text of the page, as it is seen; none while the page is still being read, which may be in the middle of it.
    pub fn text(&mut self) -> String {
        let text = self.ask("document.readyState === 'loading' ? '' : document.body?.innerText ?? ''");
        text.as_str().unwrap().to_owned()
    }

    /// The texts of these elements.
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let all =
            self.ask(&format!("[...document.querySelectorAll({selector:?})].map(e => e.innerText ?? e.textContent)"));
        all.as_array().unwrap().iter().map(|text| text.as_str().unwrap().trim().to_owned()).collect()
    }

    pub fn until_text(&mut self, text: &str) -> String {
        let mut last = String::new();
        eventually(&format!("the page says {text:?}"), || {
            last = self.text();
            last.contains(text).then_some(())
        });
        last
    }

    /// The same, within the second that a change may take to be seen.
    pub fn within_a_second(&mut self, what: &str, mut so: impl FnMut(&mut Self) -> bool) {
        within(std::time::Duration::from_secs(1), what, || so(self).then_some(()));
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            _ => panic!("no such key: {key}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if key == "Enter" && kind == "keyDown" {
                event["text"] = "\r".into();
            }
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// A picture of the whole page, in `target/page/`.
    pub fn picture(&mut self, name: &str) {
        let height = self.ask("document.documentElement.scrollHeight").as_u64().unwrap().min(4_000);
        let width = self.ask("innerWidth");
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let shot = self.call("Page.captureScreenshot", &json!({ "captureBeyondViewport": true, "clip": clip }));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/page");
        fs::create_dir_all(&folder).unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Nothing stands out of the window to the right.
    pub fn fits(&mut self) {
        let widths = self.ask("[document.documentElement.scrollWidth, innerWidth]");
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "it has to be scrolled sideways: {widths}");
    }

    /// What axe-core finds fault with, as sentences.
    pub fn barriers(&mut self) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
        let axe = fs::read_to_string(folder.join("axe-core-4.14.1/axe.min.js"));
        let axe = axe.expect("axe-core is not there: run `tests/setup page`");
        self.call("Runtime.evaluate", &json!({ "expression": axe }));
        let found = self.ask(
            "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(found => \
             found.violations.map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html + ' ' + n.failureSummary).join(' | ')}`))",
        );
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// Takes up what the browser has told meanwhile.
    fn listen(&mut self) {
        for event in self.chromium.events() {
            let parameters = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    self.requests.push(parameters["request"]["url"].as_str().unwrap().to_owned());
                }
                "Runtime.exceptionThrown" => self.complaints.push(parameters["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" => self.complaints.push(parameters["args"].to_string()),
                "Log.entryAdded" => self.complaints.push(parameters["entry"].to_string()),
                _ => {}
            }
        }
    }

    /// The browser had nothing to complain of, and asked nobody but this server for anything.
    pub fn is_at_peace_with(&mut self, server: &str) {
        self.listen();
        assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
        assert!(!self.requests.is_empty());
        let elsewhere: Vec<_> = self.requests.iter().filter(|url| !url.starts_with(server)).collect();
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
        let kept = self.call("Network.getCookies", &json!({}));
        assert_eq!(kept["cookies"], json!([]));
    }

    /// What the browser complains of is what this test is about.
    pub fn forget_complaints(&mut self) {
        self.listen();
        self.complaints.clear();
    }
}
