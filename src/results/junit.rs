//! Results as JUnit XML, which CI servers read: a suite for a phase, a case for a check.

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{Check, Phase, Report, Status};

/// The whole file.
pub fn write(report: &Report) -> String {
    let mut document = Document::new(&report.script);
    document.set_time(report.took);
    document.add_test_suites(report.phases.iter().map(suite));
    if let Some((message, hint)) = &report.trouble {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(message).set_type("script");
        if let Some(hint) = hint {
            status.set_description(format!("hint: {hint}"));
        }
        let mut suite = TestSuite::new(&report.script);
        suite.add_test_case(case("the run", &report.script, status));
        document.add_test_suite(suite);
    }
    // Writing to memory cannot fail.
    document.to_string().unwrap_or_default()
}

fn suite(phase: &Phase) -> TestSuite {
    let mut suite = TestSuite::new(phase.name());
    suite.set_time(phase.took);
    if let (Some(score), Some(points)) = (phase.score(), phase.points) {
        suite.add_property(("score", score.to_string().as_str()));
        suite.add_property(("points", points.to_string().as_str()));
    }
    suite.add_test_cases(phase.checks.iter().map(|check| of_check(phase, check)));
    suite
}

fn of_check(phase: &Phase, check: &Check) -> TestCase {
    let mut status = match check.status {
        Status::Passed => TestCaseStatus::success(),
        Status::NotRun => TestCaseStatus::skipped(),
        Status::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Error | Status::Interrupted => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    match &check.message {
        Some(message) if check.status == Status::NotRun => {
            status.set_message(message);
        }
        Some(message) => {
            status
                .set_message(message)
                .set_type(check.status.word())
                .set_description(check.told().join("\n"));
        }
        None if check.status == Status::NotRun => {
            status.set_message("not run");
        }
        None => {}
    }
    let mut case = case(&check.text, phase.name(), status);
    case.set_time(check.took);
    if !check.file.is_empty() {
        case.extra.insert("file".into(), check.file.as_str().into());
        case.extra.insert("line".into(), check.line.to_string().into());
    }
    case
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}
