//! A pickle's opcodes as rows.

use crate::pickle::{self, Annotated, Role, Scan, Scanner, Step};

use super::fold::{Part, Tree};
use super::{Read, Row, Stopped};

/// The rows of a pickle, whole or not.
pub(super) fn read(payload: &[u8]) -> Read {
    let Annotated { steps, skipped, result, stopped } = pickle::annotate(payload);
    let mut rows: Vec<Row> = steps.iter().map(row).collect();
    // The bytes end between two opcodes: no step is to blame, and those that are left out are the last ones.
    let ends_between = result.is_err() && stopped.is_none();
    let end = match steps.last() {
        Some(_) if ends_between => payload.len(),
        last => last.map_or(0, |step| step.end),
    };
    let skip = left_out(&steps, skipped, ends_between.then_some(payload.len())).map(|row| {
        rows.push(row);
        rows.len() - 1
    });
    let mut tree = tree(&steps, skip, result.is_err(), ends_between);
    let mut behind = |row: Row, rows: &mut Vec<Row>| {
        tree.add(Tree::ROOT, Part::Row(rows.len()));
        rows.push(row);
    };
    match (&result, stopped) {
        (Ok(_), _) => {}
        (Err(_), Some(wrong)) => rows[wrong] = Row { stack: None, is_wrong: true, ..rows[wrong].clone() },
        (Err(_), None) => {
            let words = "no STOP has come";
            behind(Row::new(payload.len(), payload.len(), "end", words).wrong(), &mut rows);
        }
    }
    if end < payload.len() {
        let more = payload.len() - end;
        let words = match &result {
            Ok(_) => format!("{more} B behind the pickle: `pickle.loads` drops them"),
            Err(_) => format!("{more} B behind it are not looked at"),
        };
        behind(Row::new(end, payload.len(), "rest", words), &mut rows);
    }
    let read = Read { rows, tree, ..Read::new("pickle", "opcodes") };
    match result {
        Ok(decoded) => {
            let mut notes = decoded.notes;
            if skip.is_some() && !decoded.actions.is_empty() {
                notes.push("rows that are not shown may call something too".to_owned());
            }
            Read {
                form: format!("pickle protocol {}", decoded.protocol),
                value: Some(decoded.value),
                calls: decoded.actions,
                notes,
                ..read
            }
        }
        Err(error) => Read {
            notes: missing(payload)
                .or_else(|| pickle::sniff(payload, None).map(|looks| format!("this looks like {looks}")))
                .into_iter()
                .collect(),
            stopped: Some(Stopped { at: error.at, why: error.why }),
            ..read
        },
    }
}

/// The row that stands for the steps that are left out: before the last step, or behind it up to the end of the bytes.
fn left_out(steps: &[Step], skipped: usize, behind_to: Option<usize>) -> Option<Row> {
    let (start, end) = match (steps, behind_to) {
        ([.., last], Some(end)) => (last.end, end),
        ([.., before, last], None) => (before.end, last.at),
        _ => return None,
    };
    let words = format!("{skipped} more opcodes are not shown (limit)");
    (skipped > 0).then(|| Row { folded: skipped, ..Row::new(start, end, "", words) })
}

/// How much is missing at least of a pickle that is well as far as it goes.
fn missing(payload: &[u8]) -> Option<String> {
    let mut scanner = Scanner::new(usize::MAX);
    let missing = match scanner.scan(payload) {
        Scan::NeedMore => scanner.wanted().saturating_sub(payload.len()),
        _ => 0,
    };
    (missing > 0).then(|| format!("at least {missing} B more belong to it"))
}

fn row(step: &Step) -> Row {
    let has_changed = !matches!(step.role, Role::Memo | Role::Aside | Role::Stop);
    Row {
        depth: step.depth,
        argument: step.argument.clone(),
        stack: has_changed.then(|| step.stack.clone()),
        effect: step.effect.clone(),
        ..Row::new(step.at, step.end, step.name, step.words)
    }
}

/// Which rows build which place of the stack. An opcode takes places from the top only, so the rows of a place lie side
/// by side, and those of an item lie among those of its container.
///
/// The last step may be one that failed, and before it, or with `skips_last` behind it, steps may be left out, for which
/// the row `skip` stands.
fn tree(steps: &[Step], skip: Option<usize>, has_failed: bool, skips_last: bool) -> Tree {
    let mut tree = Tree::new("opcodes");
    let mut slots: Vec<usize> = Vec::new();
    let mut places = 0;
    for (row, step) in steps.iter().enumerate() {
        let is_last = row + 1 == steps.len();
        if is_last && (has_failed || skip.is_some()) {
            take(&mut tree, &mut slots, usize::MAX, Tree::ROOT);
            let (before, behind) = if skips_last { (None, skip) } else { (skip, None) };
            let rows = before.into_iter().chain([row]).chain(behind);
            rows.for_each(|row| tree.add(Tree::ROOT, Part::Row(row)));
            break;
        }
        let made = usize::from(step.role == Role::Make);
        let taken = (places + made).saturating_sub(step.places);
        places = step.places;
        match step.role {
            Role::Make => {
                let node = tree.node(step.makes);
                take(&mut tree, &mut slots, taken, node);
                tree.add(node, Part::Row(row));
                slots.push(node);
            }
            Role::Fill | Role::Drop => {
                let below = slots.len().saturating_sub(taken);
                let node = below.checked_sub(1).map_or(Tree::ROOT, |place| slots[place]);
                take(&mut tree, &mut slots, taken, node);
                tree.add(node, Part::Row(row));
                if matches!(step.name, "SETITEMS" | "SETITEM") {
                    tree.pair(node);
                }
            }
            Role::Memo | Role::Aside => {
                let node = slots.last().copied().unwrap_or(Tree::ROOT);
                tree.add(node, if step.role == Role::Memo { Part::Joined(row) } else { Part::Row(row) });
            }
            Role::Stop => {
                take(&mut tree, &mut slots, usize::MAX, Tree::ROOT);
                tree.add(Tree::ROOT, Part::Row(row));
            }
        }
    }
    take(&mut tree, &mut slots, usize::MAX, Tree::ROOT);
    tree
}

/// Makes the topmost places parts of a node.
fn take(tree: &mut Tree, slots: &mut Vec<usize>, count: usize, node: usize) {
    let first = slots.len().saturating_sub(count);
    for slot in slots.split_off(first) {
        tree.add(node, Part::Node(slot));
    }
}
