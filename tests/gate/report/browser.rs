//! The HTML report in a real browser, driven over its own debugging protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>) through a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use benchgate::judge::Report;
use benchgate::report::{Html, Render};
use serde_json::{Value, json};

use super::made;

/// A browser with one page.
pub(super) struct Browser {
    process: Child,
    /// JSON messages, each followed by a zero byte.
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    session: Value,
    last: u64,
    /// Messages that are not answers.
    events: Vec<Value>,
    _place: tempfile::TempDir,
}

impl Browser {
    /// Opens the report and waits until it has loaded.
    pub(super) fn open(report: &Report) -> Self {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("report.html");
        std::fs::write(&file, Html.render(report)).unwrap();
        // The protocol's pipe is descriptors 3 and 4.
        let script = "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null";
        let mut process = Command::new("sh")
            .args(["-c", script, "sh", "--headless", "--no-sandbox", "--disable-gpu"])
            .args(["--remote-debugging-pipe", "--no-first-run", "--window-size=1300,1000"])
            .arg(format!("--user-data-dir={}", place.path().join("profile").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let commands = process.stdin.take().unwrap();
        let messages = BufReader::new(process.stdout.take().unwrap());
        let mut browser = Self {
            process,
            commands,
            messages,
            session: Value::Null,
            last: 0,
            events: Vec::new(),
            _place: place,
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = browser.call("Target.attachToTarget", &attach)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.call("Page.navigate", &json!({ "url": url(&file) }));
        while !browser.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = browser.message();
            browser.events.push(event);
        }
        browser
    }

    fn message(&mut self) -> Value {
        let mut message = Vec::new();
        self.messages.read_until(0, &mut message).unwrap();
        assert_eq!(message.pop(), Some(0), "chromium ended: is it installed? scripts/setup does");
        serde_json::from_slice(&message).unwrap()
    }

    /// Calls a method and waits for its answer.
    pub(super) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut answer = self.message();
            if answer["id"] == self.last {
                assert_eq!(answer["error"], Value::Null, "{method}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// The value of an expression in the page.
    pub(super) fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", &parameters);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].take()
    }

    /// Presses a key as a person does.
    fn press(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": key, "text": if kind == "keyDown" { text } else { "" }, "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", &key);
        }
    }

    /// Errors so far, and requests for anything other than the file.
    pub(super) fn complaints(&self) -> Vec<&Value> {
        let bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str().unwrap();
                !url.starts_with("file:") || !url.ends_with("/report.html")
            }
            _ => false,
        };
        self.events.iter().filter(bad).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn url(file: &Path) -> String {
    format!("file://{}", file.display())
}

const VISIBLE: &str = "[...document.querySelectorAll('#table tbody tr')].filter(r => !r.hidden)";

#[test]
#[ignore = "needs chromium: scripts/test installs it"]
fn two_thousand_rows_sort_and_filter() {
    let mut browser = Browser::open(&made::large());
    let visible = |browser: &mut Browser| browser.value(&format!("{VISIBLE}.length"));
    assert_eq!(visible(&mut browser), 2000);
    assert_eq!(browser.value("document.title"), "FAIL – benchmarks");
    assert_eq!(browser.value("document.querySelector('h1').innerText"), "FAIL");
    assert_eq!(
        browser.value("document.getElementById('shown').textContent"),
        "2,000 of 2,000 rows"
    );
    assert_eq!(browser.value("document.querySelectorAll('#cards svg').length"), 200);

    // By keyboard alone: focus the heading of the change, and press it twice.
    browser.value("document.querySelectorAll('#table thead button')[4].focus()");
    assert_eq!(browser.value("document.activeElement.textContent"), "Change");
    browser.press("Enter", 13, "\r");
    let order = format!("{VISIBLE}.map(r => Number(r.cells[4].dataset.value))");
    let sorted = |values: &Value, ascending: bool| {
        let values: Vec<f64> =
            values.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        values.is_sorted_by(|a, b| if ascending { a <= b } else { a >= b })
    };
    assert!(sorted(&browser.value(&order), true));
    let heading = "document.querySelectorAll('#table thead th')[4].getAttribute('aria-sort')";
    assert_eq!(browser.value(heading), "ascending");
    browser.press("Enter", 13, "\r");
    assert!(sorted(&browser.value(&order), false));
    assert_eq!(browser.value(heading), "descending");
    assert_eq!(browser.value("document.querySelectorAll('[aria-sort]').length"), 1);
    // Numbers in names sort by value: 2 before 10.
    browser.value("document.querySelectorAll('#table thead button')[0].click()");
    let first = browser.value(&format!("{VISIBLE}.slice(0, 2).map(r => r.cells[0].innerText)"));
    assert_eq!(first, json!(["service_0/handler/parse/0", "service_0/handler/parse/34"]));

    // Filter by text while typing, and by outcome.
    browser.value("document.getElementById('text').focus()");
    for letter in ["1", "7", "3", "8"] {
        browser.press(letter, 0, letter);
    }
    let names = browser.value(&format!("{VISIBLE}.map(r => r.cells[0].innerText)"));
    assert_eq!(names, json!(["service_4/handler/parse/1738"]));
    assert_eq!(
        browser.value("document.querySelectorAll('#cards > article:not([hidden])').length"),
        0
    );
    browser.value(
        "{ const t = document.getElementById('text'); t.value = ''; \
                   t.dispatchEvent(new Event('input', { bubbles: true })) }",
    );
    browser.value("document.querySelector('input[value=unchanged]').click()");
    assert_eq!(visible(&mut browser), 40);
    browser.value("document.querySelector('input[value=undecided]').click()");
    assert_eq!(visible(&mut browser), 13);
    assert_eq!(browser.value("document.getElementById('shown').textContent"), "13 of 2,000 rows");
    assert_eq!(
        browser.value("document.querySelectorAll('#cards > article:not([hidden])').length"),
        13
    );
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
}

/// The relative luminance contrast of two `rgb(…)` colours, as WCAG 2 defines it.
fn contrast(text: &Value, ground: &Value) -> f64 {
    let luminance = |colour: &Value| {
        let text = colour.as_str().unwrap();
        let parts = text.trim_start_matches("rgb(").trim_end_matches(')').split(", ");
        let linear = parts.map(|part| {
            let share = part.parse::<f64>().unwrap() / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        linear.zip([0.2126, 0.7152, 0.0722]).map(|(part, weight)| part * weight).sum::<f64>()
    };
    let (text, ground) = (luminance(text), luminance(ground));
    (text.max(ground) + 0.05) / (text.min(ground) + 0.05)
}

#[test]
#[ignore = "needs chromium: scripts/test installs it"]
fn text_is_readable_in_light_and_dark() {
    let mut browser = Browser::open(&made::large());
    let background = "getComputedStyle(document.body).backgroundColor";
    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.call("Emulation.setEmulatedMedia", &json!({ "features": feature }));
        // Text of every kind, on its background.
        for part in [
            "body",
            "h1",
            ".exit",
            ".legend",
            ".counts .unsure",
            ".counts .good",
            "#table a",
            "#table .why",
            "#table .badge.bad",
            "#table .badge.unsure",
            "#table .badge.good",
            "#table .badge.calm",
            "article .badge",
        ] {
            let colours = browser.value(&format!(
                "(() => {{ const element = document.querySelector('{part}'); \
                 let ground = element; \
                 const colour = (of) => getComputedStyle(of).backgroundColor; \
                 while (colour(ground) === 'rgba(0, 0, 0, 0)') ground = ground.parentElement; \
                 return [getComputedStyle(element).color, colour(ground)]; }})()"
            ));
            let ratio = contrast(&colours[0], &colours[1]);
            assert!(ratio >= 4.5, "{part} in {scheme}: {ratio}");
        }
        let page = browser.value(background);
        for part in
            ["text", "text[fill=\"#030000\"]", "text[fill=\"#040000\"]", "text[fill=\"#050000\"]"]
        {
            let panel = browser
                .value("getComputedStyle(document.querySelector('article')).backgroundColor");
            let fill = browser
                .value(&format!("getComputedStyle(document.querySelector('#cards {part}')).fill"));
            let ratio = contrast(&fill, &panel);
            assert!(ratio >= 4.5, "{part} in {scheme}: {ratio}");
        }
        let button = browser.value("document.getElementById('theme').textContent");
        assert_eq!(button, if scheme == "light" { "Dark" } else { "Light" });
        seen.push(page);
    }
    assert_ne!(seen[0], seen[1]);
    // The button overrides the system's choice.
    browser.value("document.getElementById('theme').click()");
    assert_eq!(browser.value(background), seen[0]);
    browser.value("document.getElementById('theme').click()");
    assert_eq!(browser.value(background), seen[1]);
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
}

#[test]
#[ignore = "needs chromium: scripts/test installs it"]
fn hostile_names_stay_text_in_the_page() {
    let mut browser = Browser::open(&made::hostile());
    assert_eq!(browser.value("typeof window.pwned"), "undefined");
    let count = |browser: &mut Browser, what: &str| {
        browser.value(&format!("document.querySelectorAll('{what}').length"))
    };
    assert_eq!(count(&mut browser, "script"), 1);
    assert_eq!(count(&mut browser, "img"), 0);
    assert_eq!(count(&mut browser, "[onload], [onerror]"), 0);
    assert_eq!(count(&mut browser, "#table tbody tr"), made::HOSTILE.len());
    let names =
        browser.value("[...document.querySelectorAll('#table tbody th')].map(c => c.textContent)");
    for name in made::HOSTILE {
        let shown = benchgate::report::plain(name);
        assert!(names.as_array().unwrap().contains(&json!(shown)), "{shown}: {names}");
    }
    // Each link points into the page.
    let links = browser.value("[...document.links].map(l => l.getAttribute('href'))");
    for link in links.as_array().unwrap() {
        let anchor = link.as_str().unwrap().strip_prefix('#').expect("a place in the page");
        assert_eq!(count(&mut browser, &format!("#{anchor}")), 1);
    }
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
}

/// The landmarks and labels that screen readers use.
#[test]
#[ignore = "needs chromium: scripts/test installs it"]
fn a_screen_reader_can_navigate() {
    let mut browser = Browser::open(&made::large());
    browser.call("Accessibility.enable", &json!({}));
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let named = |role: &str| -> Vec<&str> {
        let of_role = nodes.iter().filter(|node| node["role"]["value"] == role);
        of_role.filter_map(|node| node["name"]["value"].as_str()).collect()
    };
    assert_eq!(named("main").len(), 1);
    assert_eq!(named("banner").len(), 1);
    assert_eq!(named("search"), ["Filter benchmarks"]);
    assert_eq!(named("searchbox"), ["Name or metric"]);
    assert!(named("button").contains(&"Dark"));
    let headers: Vec<&str> = named("columnheader").into_iter().take(7).collect();
    assert_eq!(headers.len(), 7);
    assert!(headers[4].starts_with("Change"), "{headers:?}");
    let headers = named("rowheader");
    assert!(headers.contains(&"service_0/handler/parse/0"), "{:?}", &headers[..3]);
    let plots: Vec<&str> = named("image");
    assert!(
        plots[0].starts_with("Plot of time: 125 ns → 150 ns, +20% [+19%, +21%]"),
        "{}",
        plots[0]
    );
    assert_eq!(named("heading")[0], "FAIL");
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
}
