// The page: what is looked at, and what the server tells of it.

import { byId, keepFocus, kindOf, setText } from "./dom.js";
import { countDetails, showDetails, showRoute } from "./details.js";
import { countGraph, drawGraph } from "./graph.js";
import { change, full } from "./numbers.js";
import { countTables, fillTables } from "./tables.js";

// What is looked at. route says that the way of the form's message is shown.
const looking = { search: "", selected: "", route: false, rows: 0 };

let lead = false; // the focus goes to the details when they are there
let source = null; // of events
let view = null;
let counts = new Map(); // of queues, by name

// look asks the server for what is looked at, instead of what was before.
function look() {
  source?.close();
  source = null;
  if (document.hidden) return; // nobody looks, so the broker needn't be asked
  const ask = new URLSearchParams();
  if (looking.search) ask.set("search", looking.search);
  if (looking.selected) ask.set("selected", looking.selected);
  if (looking.rows) ask.set("rows", looking.rows);
  if (looking.route) {
    ask.set("route", "");
    ask.set("key", byId("key").value);
    ask.set("headers", byId("headers").value);
  }
  source = new EventSource(`events?${ask}`);
  source.addEventListener("view", (event) => {
    view = JSON.parse(event.data);
    counts = new Map();
    keepFocus(show);
    if (lead) byId("details-title").focus();
    lead = false;
  });
  source.addEventListener("counts", (event) => count(JSON.parse(event.data)));
  source.addEventListener("broker", (event) => broker(JSON.parse(event.data).error));
  source.addEventListener("error", () => status("lost", "No answer", "topology serve doesn't answer; start it again, and load its page."));
}

function show() {
  drawGraph(view.drawing, looking.selected, choose);
  fillTables(view, looking.selected, choose, more);
  showDetails(view.details, choose);
  showRoute(view.route);
  const drawn = view.drawing.boxes.length;
  const nothing = view.queues.total === 0 && drawn === 0 && view.exchanges.found === view.exchanges.total;
  byId("empty").hidden = !nothing;
  byId("hint").hidden ||= nothing;
  byId("legend").hidden = drawn === 0;
  setText(byId("touched"), nothing ? "" : touched(drawn));
}

// touched says what of all is drawn.
function touched(drawn) {
  const all = `${full(view.exchanges.total)} exchanges and ${full(view.queues.total)} queues`;
  if (drawn === 0) return looking.search ? `Nothing is found by the search; there are ${all}.` : `${all} are too many to draw. Search, or choose an exchange in the table.`;
  if (view.touched > drawn) return `Drawn: ${full(drawn)} of ${full(view.touched)} that are touched. The tables list the rest.`;
  if (looking.search || view.folded) return `Drawn: ${full(drawn)} that are touched, of ${all}.`;
  return "";
}

function count({ queues, totals }) {
  for (const name in queues) counts.set(name, queues[name]);
  countGraph(counts);
  countTables(counts);
  countDetails(view?.details, counts);
  totals.forEach((n, i) => setText(byId(`total-${i}`), i === 3 ? change(n) : full(n)));
}

function broker(error) {
  if (error) status("lost", "Broker is gone", `The broker can't be asked: ${error}. What is shown may be old; this page goes on when it is back.`);
  else status("live", "Live", "");
}

function status(state, text, trouble) {
  const place = byId("status");
  place.className = state;
  setText(place, text);
  setText(byId("trouble"), trouble);
  byId("trouble").hidden = !trouble;
}

// choose selects an exchange or a queue, or nothing. toDetails leads the focus to
// its details.
function choose(id, toDetails) {
  if (id === looking.selected) {
    if (toDetails) byId("details-title").focus();
    return;
  }
  lead = Boolean(toDetails);
  looking.selected = id;
  looking.route = false;
  setText(byId("outcome"), "");
  look();
}

function more(rows) {
  looking.rows = rows;
  look();
}

// soon calls what once, when nothing has been typed for a moment.
function soon(what) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(what, 200);
  };
}

function showWay() {
  looking.route = true;
  look();
}

function clearWay() {
  looking.route = false;
  setText(byId("outcome"), "");
  look();
}

// publish sends the form's message and says what became of it.
async function publish() {
  const outcome = byId("outcome"), button = byId("publish");
  outcome.className = "";
  outcome.textContent = "Publishing…";
  button.disabled = true;
  try {
    const answer = await fetch("publish", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Bindery-Token": document.querySelector("meta[name=token]").content },
      body: JSON.stringify({
        exchange: nameOfExchange(looking.selected), key: byId("key").value, headers: byId("headers").value, body: byId("body").value,
      }),
    });
    const result = answer.ok ? await answer.json() : { outcome: "failed", text: `Failed: ${(await answer.text()).trim()}.` };
    outcome.className = result.outcome;
    outcome.textContent = result.text;
  } catch (error) {
    outcome.className = "failed";
    outcome.textContent = `Failed: topology serve doesn't answer (${error.message}).`;
  }
  button.disabled = false;
  if (document.activeElement === document.body) button.focus(); // it lost the focus while it was disabled
  if (!looking.route) showWay();
}

const nameOfExchange = (id) => id.slice("exchange:".length);

byId("search").addEventListener("input", soon(() => {
  looking.search = byId("search").value.trim();
  looking.rows = 0;
  look();
}));
byId("search-form").addEventListener("submit", (event) => event.preventDefault());
byId("message").addEventListener("submit", (event) => {
  event.preventDefault();
  showWay();
});
const typed = soon(() => kindOf(looking.selected) === "exchange" && showWay());
byId("key").addEventListener("input", typed);
byId("headers").addEventListener("input", typed);
byId("publish").addEventListener("click", publish);
byId("clear").addEventListener("click", () => {
  clearWay();
  byId("key").focus();
});
byId("close").addEventListener("click", () => leave());
byId("details").addEventListener("keydown", (event) => event.key === "Escape" && leave());

// leave closes the details, and goes back to the graph.
function leave() {
  const before = looking.selected;
  choose("");
  (document.querySelector(`[data-key="box ${CSS.escape(before)}"]`) ?? byId("search")).focus();
}

document.addEventListener("visibilitychange", look);
look();
