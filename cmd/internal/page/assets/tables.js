// The tables: all that the graph shows, as text, and what it has no room for.

import { byId, el, nameOf } from "./dom.js";
import { change, full } from "./numbers.js";

const cells = new Map(); // those of a queue's counts, by its name

// fillTables replaces all rows. choose is called with the ID of a node, more
// with how many rows there should be.
export function fillTables(view, selected, choose, more) {
  const lit = new Set(view.drawing.boxes.filter((b) => b.lit).map((b) => b.id));
  const name = (table, id, row) => el("td", { class: lit.has(id) && "lit" }, nameButton(id, `${table} ${row} ${id}`, choose));
  const text = (value) => el("td", { title: value || undefined }, value);
  const number = (value) => el("td", { class: "number" }, value);
  const row = (id, ...tds) => el("tr", { class: id === selected && "selected" }, ...tds);

  table("exchanges", view.exchanges, more, (e) =>
    row(e.id, name("exchanges", e.id, ""), text(e.kind), text(e.features), number(full(e.bindings))));
  cells.clear();
  table("queues", view.queues, more, (q) => {
    const counts = [number(""), number(""), number(""), number("")];
    cells.set(q.name, counts);
    return row(q.id, name("queues", q.id, ""), ...counts, text(q.features));
  });
  table("bindings", view.bindings, more, (b, i) =>
    row("", name("from", b.from, i), name("to", b.to, i), text(b.key), text(b.args)));
}

// countTables shows counts of queues, by name.
export function countTables(counts) {
  for (const [name, tds] of cells) {
    const now = counts.get(name);
    if (!now || now === tds.shown) continue;
    tds.shown = now;
    for (let i = 0; i < 3; i++) tds[i].textContent = full(now[i]);
    tds[3].textContent = change(now[3]);
  }
}

// nameButton is the name of an exchange or queue, which chooses it and leads to
// the details.
export function nameButton(id, key, choose) {
  const button = el("button", { type: "button", title: nameOf(id), "data-key": key }, nameOf(id));
  button.addEventListener("click", () => choose(id, true));
  return button;
}

function table(id, { rows, found, total }, more, make) {
  const section = byId(id);
  rows ??= [];
  section.querySelector("tbody").replaceChildren(...rows.map(make));
  byId(`${id}-total`).textContent = full(total);
  const note = section.querySelector(".more"), left = found - rows.length;
  let text = "";
  if (found < total) text = found === 0 ? "None is found by the search." : `${full(found)} of ${full(total)} are found by the search.`;
  else if (total === 0) text = "There are none.";
  if (left > 0) text += ` ${full(left)} more are not listed; search for them, or`;
  note.replaceChildren(text.trim());
  if (left > 0) {
    const next = Math.min(left, 400);
    const button = el("button", { type: "button", "data-key": `more ${id}` }, `Show ${full(next)} more ${id}`);
    button.addEventListener("click", () => more(rows.length + next));
    note.append(button);
  }
}
