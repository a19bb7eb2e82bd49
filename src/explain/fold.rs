//! Folding: which rows of a long message are shown, so that it fits two screens and still teaches.

use std::collections::HashSet;

use super::{Folding, MAX_ROWS, Row};

/// How many lines folded rows may take: two screens of 24 lines, without two lines above the rows and two below.
const LINES: usize = 44;
/// How many lines a message may take that is shown whole, though its memo opcodes could be joined to the rows before them.
const LINES_WHOLE: usize = 36;
/// How many characters of a row's name, argument and words stand on a line of 80 columns beside the bytes and an offset
/// of up to [`DIGITS`] digits.
const CHARS: usize = 47;
/// How many digits an offset takes at least.
pub const DIGITS: usize = 4;
/// How many bytes stand on a line.
pub const BYTES_ON_LINE: usize = 8;
/// Columns that a row of one more level is moved to the right.
pub const INDENT: usize = 2;
/// How many levels are moved to the right.
pub const INDENTS_MAX: usize = 4;

/// What is shown of a container.
#[derive(Clone, Copy)]
struct Share {
    /// So many first items have rows of their own; the others are counted.
    items: usize,
    /// So many of them are shown inside too, if they are containers.
    open: usize,
    /// Only down to such a depth.
    depth: usize,
}

impl Share {
    /// The shares in the order in which they are tried; the first that fits is taken. To look into one item of each
    /// container teaches more than to see several from outside, so that is given up last. The last share fits any message.
    fn all() -> impl Iterator<Item = Share> {
        let share = |items, open, depth| Share { items, open, depth };
        let rich = [share(64, 64, 64), share(12, 4, 64), share(8, 3, 64), share(6, 2, 64), share(4, 2, 64)];
        let deep = [12, 8, 6, 5, 4, 3, 2, 1].into_iter().map(move |items| share(items, 1, 64));
        let flat = [6, 5, 4, 3, 2, 1].into_iter().flat_map(move |depth| {
            [6, 4, 3, 2, 1].into_iter().map(move |items| share(items, usize::from(depth > 1), depth))
        });
        rich.into_iter().chain(deep).chain(flat)
    }
}

/// How many rows at a container's beginning and end are its own: `EMPTY_LIST`, `MARK`; `APPENDS`.
const OWN_ROWS: usize = 3;
/// How many parts are shown before the place where a message stopped.
const BEFORE_STOP: usize = 3;

/// Which rows belong together.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// What a row is called: `opcodes`.
    rows_are: &'static str,
}

#[derive(Debug, Default)]
struct Node {
    /// What it is, in one word.
    makes: &'static str,
    parts: Vec<Part>,
    /// Its items are keys and values.
    is_pairs: bool,
}

/// A part of a node, in the order of the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// A row.
    Row(usize),
    /// A row that can be joined to the one before it.
    Joined(usize),
    /// Rows that belong together.
    Node(usize),
}

impl Tree {
    pub(super) const ROOT: usize = 0;

    pub(super) fn new(rows_are: &'static str) -> Tree {
        Tree { nodes: vec![Node::default()], rows_are }
    }

    /// A new node, which is to become part of another.
    pub(super) fn node(&mut self, makes: &'static str) -> usize {
        self.nodes.push(Node { makes, ..Node::default() });
        self.nodes.len() - 1
    }

    pub(super) fn add(&mut self, node: usize, part: Part) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.parts.push(part);
        }
    }

    pub(super) fn pair(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.is_pairs = true;
        }
    }

    /// The rows of a part, in order.
    fn rows(&self, part: Part, rows: &mut Vec<usize>) {
        // The path from the part is a vector: a pickle may nest deeper than a stack.
        let mut open = vec![part];
        while let Some(part) = open.pop() {
            match part {
                Part::Row(row) | Part::Joined(row) => rows.push(row),
                Part::Node(node) => open.extend(self.nodes[node].parts.iter().rev()),
            }
        }
    }

    /// Whether it is an item of a container, and not what holds the items together.
    fn is_item(&self, part: &Part) -> bool {
        matches!(part, Part::Node(node) if self.nodes[*node].makes != "mark")
    }

    /// Whether it is one row, with what can be joined to it.
    fn is_leaf(&self, node: usize) -> bool {
        match self.nodes[node].parts.as_slice() {
            [Part::Row(_), rest @ ..] => rest.iter().all(|part| matches!(part, Part::Joined(_))),
            _ => false,
        }
    }
}

/// The rows to show of a message of so many bytes.
pub(super) fn fold(rows: Vec<Row>, tree: &Tree, folding: Folding, bytes: usize) -> Vec<Row> {
    let chars = CHARS - bytes.to_string().len().saturating_sub(DIGITS).min(CHARS / 2);
    let mut order = Vec::with_capacity(rows.len());
    tree.rows(Part::Node(Tree::ROOT), &mut order);
    let all = || order.iter().take(MAX_ROWS + 3).filter_map(|&row| rows.get(row)).cloned();
    let mut left = LINES_WHOLE;
    let mut fits = |row: Row| left.checked_sub(lines(&row, chars)).inspect(|less| left = *less).is_some();
    if folding == Folding::All || all().all(&mut fits) {
        return all().collect();
    }
    let mut shown = Vec::new();
    for share in Share::all() {
        let mut folder =
            Folder { rows: &rows, tree, share, chars, out: Vec::new(), lines: 0, seen: HashSet::new() };
        folder.node(Tree::ROOT, 0);
        let fits = folder.lines <= LINES;
        shown = folder.out;
        if fits {
            break;
        }
    }
    shown
}

/// How many lines a row takes on a screen of 80 columns: what `render` will make of it, wide characters aside.
fn lines(row: &Row, chars: usize) -> usize {
    let room = chars - INDENT * row.depth.min(INDENTS_MAX);
    let argument = row.argument.iter().flat_map(|argument| argument.chars().take(room));
    let named = argument.fold(row.name.to_owned() + " ", |named, c| named + c.encode_utf8(&mut [0; 4]));
    let text = wrapped(&format!("{named}: {}", row.words), room);
    // What is below the top gives way.
    let top = row.stack.as_deref().and_then(|stack| stack.rsplit(" | ").next());
    let stack = top.map_or(0, |top| wrapped(&format!("stack: ... | {top}"), room));
    let effect =
        row.effect.as_ref().map_or(0, |it| wrapped(&format!("! here pickle.loads would {}", it.what), room));
    let bytes = (row.end - row.start).div_ceil(BYTES_ON_LINE).min(row.byte_lines());
    bytes.max(text + stack + effect)
}

/// How many lines a text takes that is broken between words.
fn wrapped(text: &str, room: usize) -> usize {
    let (mut lines, mut used) = (1, 0);
    for word in text.split(' ') {
        let width = word.chars().count();
        if used > 0 && used + 1 + width > room {
            lines += 1;
            used = 0;
        }
        used += usize::from(used > 0) + width;
        lines += used / (room + 1);
    }
    lines
}

/// Shows a share of each container.
struct Folder<'a> {
    rows: &'a [Row],
    tree: &'a Tree,
    share: Share,
    /// How many characters stand on a line.
    chars: usize,
    out: Vec<Row>,
    lines: usize,
    /// What was said already: the same words are not said again of the next opcode of that name.
    seen: HashSet<(&'static str, String)>,
}

impl Folder<'_> {
    fn push(&mut self, mut row: Row) {
        if !row.name.is_empty() && !self.seen.insert((row.name, row.words.clone())) {
            row.words.clear();
        }
        self.lines += lines(&row, self.chars);
        self.out.push(row);
    }

    /// The rows of a node. It recurses no deeper than `depth`.
    fn node(&mut self, node: usize, depth: usize) {
        if self.lines > LINES {
            return;
        }
        let it = &self.tree.nodes[node];
        let is_own = |part: &&Part| !self.tree.is_item(part);
        let (head, rest) = it.parts.split_at(it.parts.iter().take_while(is_own).count().min(OWN_ROWS));
        let tail = rest.iter().rev().take_while(is_own).count().min(OWN_ROWS);
        let (middle, tail) = rest.split_at(rest.len() - tail);
        let mut open = self.share.open;
        let mut show = |it: &mut Folder, part: &Part| it.part(*part, depth, &mut open);
        head.iter().for_each(|part| show(self, part));
        let units = units(middle, self.tree, it.is_pairs);
        let stops = node == Tree::ROOT && self.rows.iter().any(|row| row.is_wrong);
        let last = if stops { BEFORE_STOP } else { 0 };
        // To fold a single item would save nothing.
        if units.len() <= self.share.items + last + 1 {
            units.iter().flat_map(|unit| unit.iter()).for_each(|part| show(self, part));
        } else {
            let (first, rest) = units.split_at(self.share.items);
            let (folded, last) = rest.split_at(rest.len() - last);
            first.iter().flat_map(|unit| unit.iter()).for_each(|part| show(self, part));
            self.folded(folded, it.is_pairs);
            last.iter().flat_map(|unit| unit.iter()).for_each(|part| show(self, part));
        }
        tail.iter().for_each(|part| show(self, part));
    }

    /// One part; `open` counts down the containers that may still be opened.
    fn part(&mut self, part: Part, depth: usize, open: &mut usize) {
        match part {
            Part::Row(row) => self.push(self.rows[row].clone()),
            Part::Joined(row) => self.join(row),
            Part::Node(node) if self.tree.is_leaf(node) => self.node(node, depth + 1),
            Part::Node(node) if depth < self.share.depth && *open > 0 => {
                *open -= 1;
                self.node(node, depth + 1);
            }
            Part::Node(node) => {
                let mut rows = Vec::new();
                self.tree.rows(part, &mut rows);
                let Tree { nodes, rows_are } = self.tree;
                let words = format!("a whole {}: {} {rows_are}", nodes[node].makes, rows.len());
                self.one_row(&rows, words);
            }
        }
    }

    /// Joins a row to the one before it.
    fn join(&mut self, row: usize) {
        let joined = &self.rows[row];
        match self.out.last_mut() {
            Some(before) if before.end == joined.start => {
                self.lines -= lines(before, self.chars);
                before.end = joined.end;
                before.folded += 1;
                if !before.words.is_empty() {
                    before.words += "; ";
                }
                before.words += &format!("then {}", joined.name);
                if self.seen.insert((joined.name, joined.words.clone())) {
                    before.words += &format!(": {}", joined.words);
                }
                self.lines += lines(before, self.chars);
            }
            _ => self.push(joined.clone()),
        }
    }

    /// One row for several items.
    fn folded(&mut self, units: &[&[Part]], is_pairs: bool) {
        let mut rows = Vec::new();
        units.iter().flat_map(|unit| unit.iter()).for_each(|part| self.tree.rows(*part, &mut rows));
        let makes = |unit: &&[Part]| match unit {
            [Part::Node(node), ..] => self.tree.nodes[*node].makes,
            _ => "part",
        };
        let what = match units.first().map(makes) {
            _ if is_pairs => "keys with their values".to_owned(),
            Some(first) if units.iter().all(|unit| makes(unit) == first) => plural(first),
            _ => "items".to_owned(),
        };
        let words = format!("{} more {what}: {} {}", units.len(), rows.len(), self.tree.rows_are);
        self.one_row(&rows, words);
    }

    fn one_row(&mut self, rows: &[usize], words: String) {
        let mut each = rows.iter().map(|&row| &self.rows[row]);
        let (Some(first), Some(last)) = (each.clone().next(), each.clone().next_back()) else { return };
        let stack = each.clone().rev().find_map(|row| row.stack.clone());
        // What is called is never hidden: the last is told, since a call comes behind the imports for it.
        let mut effects = each.clone().rev().filter_map(|row| row.effect.as_ref()).filter(|it| !it.is_plain);
        let effect = effects.next().cloned().map(|mut effect| {
            match effects.count() {
                0 => {}
                more => effect.what += &format!(", and {more} more such"),
            }
            effect
        });
        let row = Row {
            depth: first.depth,
            stack,
            effect,
            folded: rows.len(),
            is_wrong: each.any(|row| row.is_wrong),
            ..Row::new(first.start, last.end, "", words)
        };
        self.push(row);
    }
}

/// The items of a container, or its keys each with its value.
fn units<'a>(parts: &'a [Part], tree: &Tree, is_pairs: bool) -> Vec<&'a [Part]> {
    let mut units = Vec::new();
    let mut rest = parts;
    while !rest.is_empty() {
        let len = match rest {
            [key, value, ..] if is_pairs && tree.is_item(key) && tree.is_item(value) => 2,
            _ => 1,
        };
        let (unit, behind) = rest.split_at(len);
        units.push(unit);
        rest = behind;
    }
    units
}

fn plural(noun: &str) -> String {
    match noun {
        "None" => "times None".to_owned(),
        "bytes" => "bytes objects".to_owned(),
        "class or function" => "classes or functions".to_owned(),
        _ => format!("{noun}s"),
    }
}
