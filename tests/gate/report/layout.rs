//! The HTML page at every width: nothing is cut off, and nothing scrolls sideways.

use serde_json::{Value, json};

use super::browser::Browser;
use super::made;

/// Widths of phones, tablets, the narrowest window with all columns, laptops and large
/// screens.
const WIDTHS: [u32; 5] = [400, 800, 1100, 1200, 1600];

/// Opens everything that a reader can open.
const UNFOLD: &str = "(() => {
    const folded = document.getElementById('folded');
    if (folded && !folded.checked) folded.click();
    for (const details of document.querySelectorAll('details')) details.open = true;
})()";

/// Elements that leave the window, boxes whose content does not fit, and labels of
/// plots that are cut off: the first few of them.
const MISFITS: &str = "(() => {
    const misfits = [];
    const report = (why, element) => {
        const cell = element.closest('[id], th, td, li, figure') || element;
        misfits.push(`${why}: ${element.outerHTML.slice(0, 90)} in <${cell.tagName} ${cell.id}>`);
    };
    const page = document.scrollingElement;
    if (page.scrollWidth > innerWidth) misfits.push(`the page is ${page.scrollWidth} wide`);
    for (const element of document.querySelectorAll('body *:not(svg *, script)')) {
        if (element.classList.contains('skip')) continue;
        const box = element.getBoundingClientRect();
        if (box.width === 0) continue;
        if (box.left < -0.5 || box.right > innerWidth + 0.5) report('outside', element);
        const inline = getComputedStyle(element).display === 'inline';
        if (!inline && element.scrollWidth > element.clientWidth + 1) report('overflows', element);
        if (element.matches('th > *, td > *')) {
            const cell = element.parentElement.getBoundingClientRect();
            if (box.right > cell.right + 0.5) report('beyond its cell', element);
        }
    }
    for (const label of document.querySelectorAll('#cards svg text')) {
        const [box, plot] = [label, label.closest('svg')].map((e) => e.getBoundingClientRect());
        if (box.left < plot.left - 0.5 || box.right > plot.right + 0.5) report('cut off', label);
    }
    return misfits.slice(0, 5);
})()";

fn misfits_at(browser: &mut Browser, width: u32) -> Value {
    let size = json!({ "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", &size);
    assert_eq!(browser.value("innerWidth"), width);
    browser.value(MISFITS)
}

#[test]
#[ignore = "needs chromium: scripts/test installs it"]
fn everything_fits_at_every_width() {
    for rows in [5, 200, 2000] {
        for length in [20, 300] {
            let mut browser = Browser::open(&made::mixed(rows, length));
            browser.value(UNFOLD);
            let visible = "document.querySelectorAll('#table tbody tr:not([hidden])').length";
            assert_eq!(browser.value(visible), rows);
            // Colours do not affect the layout, so the slowest pages are measured once.
            let schemes = if rows == 2000 { &["light"][..] } else { &["light", "dark"] };
            for scheme in schemes {
                let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
                browser.call("Emulation.setEmulatedMedia", &json!({ "features": feature }));
                for width in WIDTHS {
                    let misfits = misfits_at(&mut browser, width);
                    let page = format!("{rows} rows, names of {length}, {scheme}, {width} pixels");
                    assert_eq!(misfits, json!([]), "{page}");
                }
            }
            assert_eq!(browser.complaints(), Vec::<&Value>::new());
        }
    }
}

/// Hostile texts in every place that takes text, some of them with 10,000 characters and
/// without a place to break.
#[test]
#[ignore = "needs chromium: scripts/test installs it"]
fn hostile_texts_fit_at_every_width() {
    let mut report = made::hostile();
    let long = "x".repeat(10_000);
    report.rows[0].id.clone_from(&long);
    report.rows[1].metric.clone_from(&long);
    report.rows[2].unit.clone_from(&long);
    report.rows[3].judgement.as_mut().unwrap().reason.clone_from(&long);
    report.rows[4].judgement.as_mut().unwrap().limits.floor.clone_from(&long);
    report.findings[0].message.clone_from(&long);
    report.findings[1].id = Some(long.clone());
    report.candidate.name.clone_from(&long);
    report.tool.clone_from(&long);
    report.verdict.as_mut().unwrap().reason = long;
    let mut browser = Browser::open(&report);
    browser.value(UNFOLD);
    for width in WIDTHS {
        assert_eq!(misfits_at(&mut browser, width), json!([]), "{width} pixels");
    }
}

/// A table that is too wide is noticed.
#[test]
#[ignore = "needs chromium: scripts/test installs it"]
fn an_element_that_does_not_fit_is_found() {
    let mut browser = Browser::open(&made::mixed(5, 20));
    browser.value("document.querySelector('#table td').style.whiteSpace = 'nowrap'");
    browser.value("document.querySelector('#table td').textContent = 'wide '.repeat(200)");
    assert_ne!(misfits_at(&mut browser, 1200), json!([]));
}
