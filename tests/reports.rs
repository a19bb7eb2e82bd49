//! Each report as a program that is not ours reads it, with names as hostile as they come.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod common;

use std::process::{Command, Stdio};

use common::{Done, Shell};
use serde_json::Value;

/// A script's file name, a phase's title and a step's text that would mean something in each format.
const NAME: &str = "'\"&<script>alert(1)<!--.lab";
const TITLE: &str = "=cmd() <script>alert(1)</script> | [x](javascript:1) `code` # SKIP ]]> \\ &amp; @ada";

/// Runs the hostile script, with every report.
fn hostile() -> Done {
    let long = "x".repeat(300);
    let title = TITLE.replace('\\', "\\\\");
    let text = format!(
        "set show phases\nset on-failure next-phase\n## {TITLE}\npoints 2\ncheck \"{title}\" != 1\n## Told by a peer\npoints 1\n\
         listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n\
         send [\"\\x1b[2J\\x1b]0;t\\x07</pre><b>\\u202e\\u0085|`````\\n## x\\n1..9\\nnot ok\", \"{long}\"]\n\
         @ada expect {{\"<b>\": \"]]>\"}} within 1s\ncheck 1 == 1\n## Error {long}\nconnect 127.0.0.1 1 within 2s\n## Last\ncheck 1 == 1\n"
    );
    let mut shell = Shell::new([NAME]).file(NAME, text);
    for format in
        ["junit=r.xml", "tap=r.tap", "json=r.json", "html=r.html", "gradescope=g.json", "markdown=r.md"]
    {
        shell = shell.arg("--report").arg(format);
    }
    let done = shell.run();
    assert_eq!(done.status, 3, "{}", done.screen);
    done
}

/// A report's text, which holds nothing that acts on a screen.
#[track_caller]
fn read(done: &Done, name: &str) -> String {
    let text = std::fs::read_to_string(done.folder.path().join(name)).unwrap();
    let acts = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert_eq!(text.chars().find(|c| acts(*c)), None, "{name} holds a character that acts on a screen");
    text
}

#[test]
fn junit_is_read_by_another_parser() {
    let text = read(&hostile(), "r.xml");
    let report = junit_parser::from_reader(text.as_bytes()).unwrap();
    let names: Vec<&str> = report.suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names[..2], [TITLE, "Told by a peer"]);
    assert_eq!((report.tests, report.failures, report.errors, report.skipped), (5, 1, 1, 1));
    let cases: Vec<_> = report.suites.iter().flat_map(|suite| &suite.cases).collect();
    assert_eq!(cases[0].original_name, format!("check \"{}\" != 1", TITLE.replace('\\', "\\\\")));
    assert_eq!((cases[0].file.as_deref(), cases[0].line), (Some(NAME), Some(5)));
    let failure = cases[1].status.failure_as_ref();
    assert!(failure.message.contains("received what was not expected"), "{}", failure.message);
    assert!(cases[2].status.is_skipped() && cases[3].status.is_error() && cases[4].status.is_success());
    // That parser leaves entities out of an element's text; this one does not.
    let document = roxmltree::Document::parse(&text).unwrap();
    let told = document.descendants().find(|node| node.has_tag_name("failure")).unwrap().text().unwrap();
    assert!(told.contains("got: ['\\x1b[2J\\x1b]0;t\\x07</pre><b>\\u202e"), "{told}");
}

#[test]
fn json_holds_to_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("fixtures/results.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let check = |text: &str| {
        let report: Value = serde_json::from_str(text).unwrap();
        let wrong: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{report:#}");
        report
    };
    let report = check(&read(&hostile(), "r.json"));
    assert_eq!((&report["score"], &report["points"]), (&Value::from(2.0), &Value::from(3.0)));
    assert_eq!(report["phases"][0]["title"], TITLE);
    assert_eq!(report["script"], NAME);
    // The schema is one that can fail.
    let mut other = report.clone();
    other["phases"][0]["status"] = "perhaps".into();
    assert!(!schema.is_valid(&other));
    let mistaken = common::script("sned\n").arg("--report").arg("json=r.json").run();
    let report = check(&read(&mistaken, "r.json"));
    assert_eq!(report["trouble"]["message"], "test.lab:1:1: `sned` is not a command");
}

/// Perl's TAP::Harness on a file; what it says. `None` where there is no Perl: a build server has to have it.
fn prove(done: &Done, name: &str) -> Option<(String, bool)> {
    let mut command = Command::new("prove");
    command.args(["-e", "cat", name]).current_dir(done.folder.path()).stdin(Stdio::null());
    match command.output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((String::from_utf8_lossy(&text).into_owned(), output.status.success()))
        }
        Err(_) => {
            assert!(std::env::var_os("CI").is_none(), "no prove, and CI is set");
            eprintln!("skipped: no prove");
            None
        }
    }
}

#[test]
fn tap_is_read_by_perls_harness() {
    let done = hostile();
    read(&done, "r.tap");
    let Some((said, passed)) = prove(&done, "r.tap") else { return };
    assert!(!passed, "{said}");
    assert!(said.contains("Failed 2/5 subtests") && said.contains("Failed tests:  2, 4"), "{said}");
    assert!(said.contains("less 1 skipped subtest") && !said.contains("Parse errors"), "{said}");
    let good =
        common::script("## A # SKIP\ncheck \"# SKIP # TODO\" != 1\n").arg("--report").arg("tap=r.tap").run();
    let (said, passed) = prove(&good, "r.tap").unwrap();
    assert!(passed && said.contains("All tests successful") && !said.contains("skipped"), "{said}");
    let mistaken = common::script("sned\n").arg("--report").arg("tap=r.tap").run();
    let (said, passed) = prove(&mistaken, "r.tap").unwrap();
    assert!(
        !passed
            && said
                .contains("Bailout called.  Further testing stopped:  test.lab:1:1: `sned` is not a command"),
        "{said}"
    );
}

/// The fields that Gradescope documents for a test, each with what it may hold.
fn check_gradescope(results: &Value) -> &Vec<Value> {
    const TOP: [&str; 9] = [
        "score",
        "execution_time",
        "output",
        "output_format",
        "test_output_format",
        "test_name_format",
        "visibility",
        "stdout_visibility",
        "tests",
    ];
    const TEST: [&str; 12] = [
        "score",
        "max_score",
        "status",
        "name",
        "name_format",
        "number",
        "output",
        "output_format",
        "tags",
        "visibility",
        "extra_data",
        "image",
    ];
    const VISIBLE: [&str; 4] = ["hidden", "after_due_date", "after_published", "visible"];
    const FORMATS: [&str; 5] = ["text", "html", "simple_format", "md", "ansi"];
    let known = |object: &Value, fields: &[&str]| {
        object.as_object().unwrap().keys().for_each(|key| assert!(fields.contains(&key.as_str()), "{key}"));
    };
    known(results, &TOP);
    assert!(results["execution_time"].is_number() && results["output"].is_string());
    let tests = results["tests"].as_array().unwrap();
    for test in tests {
        known(test, &TEST);
        let (score, most) = (test["score"].as_f64().unwrap(), test["max_score"].as_f64().unwrap());
        assert!(0.0 <= score && score <= most, "{test}");
        assert!(["passed", "failed"].contains(&test["status"].as_str().unwrap()), "{test}");
        assert!(VISIBLE.contains(&test["visibility"].as_str().unwrap()), "{test}");
        // Anything but text would be rendered.
        assert_eq!(test["output_format"], "text");
        assert!(FORMATS.contains(&test["output_format"].as_str().unwrap()));
        assert!(
            test["name"].is_string() && test["output"].is_string() && test["number"].is_string(),
            "{test}"
        );
    }
    tests
}

#[test]
fn gradescope_gets_the_fields_that_it_documents() {
    let results: Value = serde_json::from_str(&read(&hostile(), "g.json")).unwrap();
    let tests = check_gradescope(&results);
    let scores: Vec<(f64, f64)> = tests
        .iter()
        .map(|test| (test["score"].as_f64().unwrap(), test["max_score"].as_f64().unwrap()))
        .collect();
    assert_eq!(scores, [(2.0, 2.0), (0.0, 1.0), (0.0, 0.0), (0.0, 0.0)]);
    assert_eq!(tests[0]["name"], TITLE);
    let output = tests[1]["output"].as_str().unwrap();
    assert!(
        output.contains("\nwanted: {\"<b>\": \"]]>\"}") && output.contains("0 of 2 checks passed, 1 not run"),
        "{output}"
    );
    // Without points each phase is worth one.
    let plain = common::script("## A\ncheck 1 == 1\n## B\ncheck 1 == 2\n")
        .arg("--report")
        .arg("gradescope=g.json")
        .run();
    let results: Value = serde_json::from_str(&read(&plain, "g.json")).unwrap();
    let scores: Vec<&Value> = check_gradescope(&results).iter().map(|test| &test["score"]).collect();
    assert_eq!(scores, [&Value::from(1.0), &Value::from(0.0)]);
    // A script that is wrong is a test that failed.
    let mistaken = common::script("sned\n").arg("--report").arg("gradescope=g.json").run();
    let results: Value = serde_json::from_str(&read(&mistaken, "g.json")).unwrap();
    let tests = check_gradescope(&results);
    assert_eq!((tests.len(), tests[0]["status"].as_str()), (1, Some("failed")));
}

#[test]
fn html_is_a_page_whose_hostile_names_are_text() {
    let text = read(&hostile(), "r.html");
    let page = scraper::Html::parse_document(&text);
    let all = |selector: &str| -> Vec<String> {
        let selector = scraper::Selector::parse(selector).unwrap();
        page.select(&selector).map(|element| element.text().collect()).collect()
    };
    assert_eq!(all("title"), [NAME]);
    assert_eq!(all("h1"), [NAME]);
    assert_eq!(all("h2")[0], format!("1. {TITLE}"));
    assert_eq!(all("tr td:nth-child(3)"), ["passed", "failed", "not run", "error", "passed"]);
    assert!(all("pre")[0].contains("</pre><b>"), "{:?}", all("pre"));
    for nowhere in ["script", "b:not(p b)", "a", "img", "link", "iframe"] {
        assert_eq!(all(nowhere), Vec::<String>::new(), "{nowhere}");
    }
}

#[test]
fn markdown_keeps_its_table_and_shows_hostile_names_as_they_are() {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
    let text = read(&hostile(), "r.md");
    let (mut cells, mut rows, mut tags, mut blocks) = (Vec::new(), 0, Vec::new(), Vec::new());
    let mut cell: Option<String> = None;
    let mut block: Option<String> = None;
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::TableCell) => cell = Some(String::new()),
            Event::End(TagEnd::TableCell) => cells.extend(cell.take()),
            Event::Start(Tag::TableRow) => rows += 1,
            Event::Start(Tag::CodeBlock(_)) => block = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => blocks.extend(block.take()),
            Event::Text(text) => {
                if let Some(open) = cell.as_mut().or(block.as_mut()) {
                    open.push_str(&text);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => panic!("HTML: {html}"),
            Event::Start(tag @ (Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis)) => {
                tags.push(format!("{tag:?}"))
            }
            _ => {}
        }
    }
    assert_eq!((rows, cells.len(), tags), (4, 25, Vec::<String>::new()), "{text}");
    assert_eq!(cells[6], format!("1. {TITLE}"));
    assert_eq!(blocks.len(), 2, "{text}");
    assert!(blocks[0].contains("`````") && blocks[0].contains("\nwanted: "), "{}", blocks[0]);
}
