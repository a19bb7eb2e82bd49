
// Draws the picture from the data of this page. Every text becomes a text node: nothing of it is ever parsed as markup.
"use strict";
const { lanes, rows, bodies, notes, messages } = JSON.parse(document.getElementById("data").textContent);

// A row's drawing is 1000 units wide however wide it is on the screen, and so many pixels high.
const WIDTH = 1000, HEIGHT = 34, MIDDLE = HEIGHT / 2;
// Room for half of the first name and half of the last one.
const half = (lane) => Math.min(140, 30 + lane.name.length * 6) / Math.max(1, lanes.length / 6);
const LEFT = lanes.length ? half(lanes[0]) : 0;
const GAP = lanes.length > 1 ? (WIDTH - LEFT - half(lanes[lanes.length - 1])) / (lanes.length - 1) : 0;
const WAIT = Math.min(22, GAP * 0.15 || 22);
// Pixels that a lane takes at least; what does not fit is scrolled to.
const LANE_PIXELS = 110;

// Rows are laid out so many at a time, once they come near the screen.
const BLOCK = 40;

const x = (lane) => LEFT + lane * GAP;
const percent = (units) => (units / WIDTH) * 100 + "%";
const bodyOf = (row) => (row.body === null || row.body === undefined ? null : bodies[row.body]);

function add(parent, tag, classes, text) {
  const child = document.createElement(tag);
  if (classes) child.className = classes;
  if (text !== undefined && text !== null) child.textContent = text;
  parent.append(child);
  return child;
}

function stroke(parent, classes, path) {
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("class", classes);
  line.setAttribute("d", path);
  line.setAttribute("vector-effect", "non-scaling-stroke");
  parent.append(line);
}

function head(parent, units, toRight, classes, atDot) {
  const point = add(parent, "i", "head " + classes + (toRight ? " right" : " left") + (atDot ? " dotted" : ""));
  point.style.left = percent(units);
}

// The rows at which arrows end, and the arrows that wait meanwhile.
const ending = rows.map(() => []);
rows.forEach((row, index) => {
  if (row.kind === "arrow" && row.ends !== null && row.ends > index) ending[row.ends].push(index);
});
const waiting = new Set();

// For each lane the stretches in which it is there, looked through once from top to bottom.
const nextSpan = lanes.map(() => 0);
function lifelines(index) {
  let path = "";
  lanes.forEach((lane, number) => {
    while (nextSpan[number] < lane.spans.length && lane.spans[nextSpan[number]][1] !== null && lane.spans[nextSpan[number]][1] < index) nextSpan[number]++;
    const span = lane.spans[nextSpan[number]];
    if (!span || span[0] > index) return;
    path += `M${x(number)} ${span[0] === index ? MIDDLE : 0}V${span[1] === index ? MIDDLE : HEIGHT}`;
  });
  return path;
}

const beside = (row) => x(row.to) + (row.from < row.to ? -WAIT : WAIT);
const strokeOf = (row) => row.travels + (row.fate ? " unread" : "");

function drawLines(row, index, area) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const path = lifelines(index);
  if (path) stroke(svg, "lane", path);
  for (const ended of ending[index]) {
    const arrow = rows[ended];
    waiting.delete(ended);
    if (arrow.lost) {
      stroke(svg, strokeOf(arrow), `M${beside(arrow)} 0V${MIDDLE}`);
      add(area, "i", "cross", "\u00d7").style.left = percent(beside(arrow));
    } else {
      stroke(svg, strokeOf(arrow), `M${beside(arrow)} 0V${MIDDLE}H${x(arrow.to)}`);
      head(area, x(arrow.to), arrow.from < arrow.to, arrow.travels, true);
    }
  }
  // One line for all that waits at the same place.
  const places = new Map();
  for (const number of waiting) places.set(beside(rows[number]), strokeOf(rows[number]));
  for (const [place, classes] of places) stroke(svg, "wait " + classes, `M${place} 0V${HEIGHT}`);
  if (row.kind === "arrow") {
    const goesOn = row.waits || (row.ends !== null && row.ends > index);
    const isLost = row.lost && row.ends === index;
    // Of what another program sent only the reading is known: its arrow has no beginning.
    const from = x(row.from) + (row.entered ? (row.from < row.to ? WAIT : -WAIT) : 0);
    stroke(svg, "arrow " + strokeOf(row), `M${from} ${MIDDLE}H${goesOn || isLost ? beside(row) : x(row.to)}` + (goesOn ? `V${HEIGHT}` : ""));
    if (row.entered) add(area, "i", "dot reads").style.left = percent(x(row.to));
    if (isLost) add(area, "i", "cross", "\u00d7").style.left = percent(beside(row));
    else if (goesOn) waiting.add(index);
    else head(area, x(row.to), row.from < row.to, row.travels, row.entered);
  }
  area.prepend(svg);
}

function caption(row) {
  const body = bodyOf(row);
  if (row.kind !== "arrow" || !body) return row.text;
  return `(${row.number}) ${body.value}`;
}

function says(row) {
  if (row.kind !== "arrow") return `${row.kind === "mark" ? lanes[row.lane].name + ": " : ""}${row.text}, at ${row.at}`;
  return `${lanes[row.from].name} to ${lanes[row.to].name}: ${caption(row)}${row.fate ? ", " + row.fate : ""}, ${row.entered ? "read at" : "at"} ${row.at}`;
}

function label(row, index, area) {
  const body = bodyOf(row);
  const place = add(area, body ? "button" : "span", "label " + (row.kind === "arrow" ? row.travels : row.mark || row.kind));
  place.setAttribute(body ? "aria-label" : "title", says(row));
  if (body) {
    place.type = "button";
    place.dataset.row = index;
    place.setAttribute("aria-expanded", "false");
    place.setAttribute("aria-controls", "detail");
  }
  add(place, "span", "value", caption(row));
  if (row.kind === "arrow") {
    const more = [body ? body.bytes + "\u00a0B" : null, row.fate].filter(Boolean).join(", ");
    if (more) add(place, "span", "size", more);
    const [low, high] = [Math.min(x(row.from), x(row.to)), Math.max(x(row.from), x(row.to))];
    place.style.left = percent(low + WAIT + 4);
    place.style.width = percent(high - low - 2 * (WAIT + 4));
  } else if (row.kind === "mark") {
    const isLast = row.lane > 0 && row.lane === lanes.length - 1;
    add(area, "i", "dot " + row.mark).style.left = percent(x(row.lane));
    place.classList.add(isLast ? "finish" : "start");
    if (isLast) place.style.right = percent(WIDTH - x(row.lane) + (WAIT + 8));
    else place.style.left = percent(x(row.lane) + (WAIT + 8));
    place.style.maxWidth = percent(isLast ? x(row.lane) - WAIT * 2 : WIDTH - x(row.lane) - WAIT * 2);
  }
}

function names(parent) {
  const line = add(parent, "div", "row names");
  add(line, "span", "time", "time");
  add(line, "span", "time", "step");
  const area = add(line, "div", "area");
  lanes.forEach((lane, number) => {
    const name = add(area, "b", lane.party ? "name party" : "name", lane.name);
    name.style.left = percent(x(number));
    name.style.maxWidth = percent(GAP || WIDTH);
    name.title = lane.name;
  });
}

// Phases are sections that can be folded. What stands before the first one cannot.
function phase(picture, title) {
  const section = add(picture, "section");
  const list = document.createElement("div");
  list.className = "rows";
  if (title !== null) {
    const button = add(add(section, "h2"), "button", "phase", title);
    button.type = "button";
    button.setAttribute("aria-expanded", "true");
  }
  section.append(list);
  return list;
}

function fold(button, folded) {
  button.setAttribute("aria-expanded", String(!folded));
  button.closest("section").classList.toggle("folded", folded);
}

const picture = document.getElementById("picture");
const detail = document.getElementById("detail");

function draw() {
  const sheet = document.createElement("div");
  sheet.className = "sheet";
  sheet.style.minWidth = 150 + lanes.length * LANE_PIXELS + "px";
  names(sheet);
  let list = phase(sheet, null);
  let block = null;
  rows.forEach((row, index) => {
    if (row.kind === "phase") {
      list = phase(sheet, row.text);
      block = null;
      return;
    }
    if (block === null || block.childElementCount === BLOCK) block = add(list, "div", "block");
    const line = add(block, "div", "row" + (bodyOf(row) ? " has" : ""));
    line.dataset.row = index;
    add(line, "span", "time", row.at);
    add(line, "span", "time", row.since);
    const area = add(line, "div", "area");
    drawLines(row, index, area);
    label(row, index, area);
  });
  sheet.querySelectorAll(".block").forEach((block) => {
    block.style.containIntrinsicHeight = block.childElementCount * HEIGHT + "px";
  });
  if (lanes.length > 5) document.body.classList.add("wide");
  picture.append(sheet);
}

// What is known of the chosen message.
let chosen = null;
function open(button) {
  close();
  const row = rows[Number(button.dataset.row)];
  const body = bodyOf(row);
  chosen = button;
  button.setAttribute("aria-expanded", "true");
  button.closest(".row").classList.add("chosen");
  detail.replaceChildren();
  const shut = add(detail, "button", "shut", "\u00d7");
  shut.type = "button";
  shut.setAttribute("aria-label", "Close");
  const title = row.kind === "arrow" ? `(${row.number}) ${lanes[row.from].name} \u2192 ${lanes[row.to].name}` : `${lanes[row.lane].name}: ${row.text}`;
  add(detail, "h2", "", title);
  const facts = add(detail, "dl");
  const fact = (name, text) => {
    add(facts, "dt", "", name);
    add(facts, "dd", "", text);
  };
  fact(row.kind !== "arrow" ? "at" : row.entered ? "read" : "sent", `${row.at} (${row.since})`);
  if (row.kind === "arrow" && row.ends !== null && !row.lost) fact("read", rows[row.ends].at);
  if (row.fate) fact("read", row.fate);
  fact("size", body.size);
  if (body.form && !body.size.includes(",")) fact("form", body.form);
  add(detail, "h3", "", "Value");
  add(detail, "pre", "value", body.value);
  for (const note of body.notes) add(detail, "p", "note", "note: " + note);
  if (body.stopped) add(detail, "p", "alarm", "It stops: " + body.stopped);
  parts(body);
  detail.hidden = false;
  document.body.classList.add("open");
}

function parts(body) {
  if (!body.parts) return add(detail, "p", "note", "Its bytes are left out: the page would be too large.");
  add(detail, "h3", "", "Bytes, one after the other");
  const table = add(detail, "table");
  const top = add(add(table, "thead"), "tr");
  for (const title of ["at", "bytes", "what they do"]) add(top, "th", "", title).scope = "col";
  const all = add(table, "tbody");
  for (const part of body.parts) {
    const line = add(all, "tr", part.alarm ? "alarm" : "");
    add(line, "td", "at", part.at);
    add(line, "td", "hex", part.hex);
    const what = add(line, "td", "what");
    what.style.paddingLeft = 8 + Math.min(part.depth, 6) * 12 + "px";
    if (part.name) add(what, "b", "", part.name);
    if (part.argument !== null) add(what, "code", "", part.argument);
    if (part.words) add(what, "span", "", part.words);
    if (part.does) add(what, "em", "", part.does);
    if (part.stack) add(what, "code", "stack", "stack: " + part.stack);
  }
  if (body.more) add(detail, "p", "note", `${body.more} more rows are left out.`);
}

function close() {
  if (!chosen) return;
  chosen.setAttribute("aria-expanded", "false");
  chosen.closest(".row").classList.remove("chosen");
  chosen = null;
  detail.hidden = true;
  document.body.classList.remove("open");
}

picture.addEventListener("click", (event) => {
  const title = event.target.closest("button.phase");
  if (title) return fold(title, title.getAttribute("aria-expanded") === "true");
  const line = event.target.closest(".row.has");
  if (!line) return;
  const button = line.querySelector("button.label");
  button.focus({ preventScroll: true });
  if (button === chosen) close();
  else open(button);
});

detail.addEventListener("click", (event) => {
  if (!event.target.closest(".shut")) return;
  const from = chosen;
  close();
  from.focus();
});

// The messages and the titles that are to be seen, in order.
const stops = () => [...picture.querySelectorAll("button.phase, section:not(.folded) button.label")];

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Escape") {
    const from = chosen;
    close();
    if (from) from.focus();
    return;
  }
  if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key) || detail.contains(document.activeElement)) return;
  const all = stops();
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? all.length - 1 : at - 1, Home: 0, End: all.length - 1 }[event.key];
  const next = all[Math.max(0, Math.min(to, all.length - 1))];
  if (!next) return;
  event.preventDefault();
  next.focus();
  // An open detail goes along.
  if (chosen && next.dataset.row) open(next);
});

for (const [id, folded] of [["fold", true], ["unfold", false]]) {
  document.getElementById(id).addEventListener("click", () => {
    picture.querySelectorAll("button.phase").forEach((button) => fold(button, folded));
  });
}

const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
document.getElementById("about").textContent = [`${many(messages, "message")} on ${many(lanes.length, "lane")}`, ...notes].join(". ") + ".";
if (!rows.some((row) => row.kind === "phase")) document.getElementById("controls").classList.add("plain");
draw();
