// What is chosen: its properties, the bindings from and to it, and the way of a
// message.

import { byId, el, kindOf, nameOf, setText } from "./dom.js";
import { change, sentence } from "./numbers.js";
import { nameButton } from "./tables.js";

// showDetails tells of what is chosen.
export function showDetails(details, choose) {
  byId("hint").hidden = Boolean(details);
  byId("details").hidden = !details;
  byId("details").parentElement.classList.toggle("chosen", Boolean(details));
  if (!details) return;
  const name = byId("chosen-name");
  setText(byId("chosen-kind"), kindOf(details.id));
  setText(name, nameOf(details.id));
  name.title = nameOf(details.id);
  byId("message").hidden = kindOf(details.id) !== "exchange" || Boolean(details.gone);
  const facts = (details.facts ?? []).flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]);
  if (details.gone) facts.push(el("dt", {}, "State"), el("dd", {}, "it is not there"));
  if (kindOf(details.id) === "queue") facts.push(el("dt", {}, "Now"), el("dd", { id: "chosen-counts" }, "…"));
  byId("facts").replaceChildren(...facts);
  byId("bound").replaceChildren(
    ...bindings("Bindings from it", "to", details.from, choose), ...bindings("Bindings to it", "from", details.to, choose));
}

// countDetails shows the counts of the queue that is chosen.
export function countDetails(details, counts) {
  const place = byId("chosen-counts"), now = details && counts.get(nameOf(details.id));
  if (place && now) setText(place, `${sentence(now)}; change ${change(now[3])} a second`);
}

function bindings(title, end, { rows, found }, choose) {
  if (!rows?.length) return [];
  const lines = rows.map((b, i) => el("tr", {},
    el("td", {}, nameButton(b[end], `${end} ${i} of chosen`, choose)),
    el("td", { title: b.key }, b.key), el("td", { title: b.args }, b.args)));
  const heading = el("h3", {}, title);
  const table = el("table", { "aria-label": title },
    el("thead", {}, el("tr", {}, ...[end === "to" ? "To" : "From", "Key", "Arguments"].map((t) => el("th", { scope: "col" }, t)))),
    el("tbody", {}, ...lines));
  const all = [heading, table];
  if (found > rows.length) all.push(el("p", { class: "help" }, `${found - rows.length} more are not listed here.`));
  return all;
}

// showRoute tells where the message goes, and why; nothing if none is asked for.
export function showRoute(route) {
  const summary = byId("route-summary");
  summary.className = !route ? "" : route.failed ? "failed" : route.reaches ? "reaches" : "nowhere";
  setText(summary, route ? route.summary : "");
  byId("clear").hidden = !route;
  byId("route").replaceChildren(...(route?.hops ?? []).flatMap(hop));
}

function hop({ id, how, tried, more, end }) {
  const list = el("ul", { "aria-label": `Bindings of ${nameOf(id)}` }, ...tried.map((t) =>
    el("li", { class: t.matched ? "yes" : "no" },
      el("span", { class: "mark", "aria-hidden": "true" }, t.matched ? "✓" : "✗"),
      el("span", {}, `${t.matched ? "To" : "Not to"} ${kindOf(t.to)} ${nameOf(t.to)}${t.asks ? `, ${t.asks}` : ""}: ${t.why}`))));
  const all = [el("h4", {}, `${nameOf(id)}, ${how}`)];
  if (tried.length > 0) all.push(list);
  if (more) all.push(el("p", { class: "help" }, `${more}.`));
  if (end) all.push(el("p", { class: "help" }, end));
  return all;
}
