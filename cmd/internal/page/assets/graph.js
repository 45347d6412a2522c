// The graph: drawn where the server has placed it.

import { byId, kindOf, nameOf, svg } from "./dom.js";
import { brief, sentence } from "./numbers.js";

let boxes = []; // of the drawing, with their elements
let current = ""; // the ID of the box that Tab comes to

// drawGraph replaces the drawing. choose is called with the ID of a node.
export function drawGraph(drawing, selected, choose) {
  const canvas = byId("canvas");
  boxes = [];
  if (drawing.boxes.length === 0) {
    canvas.replaceChildren();
    return;
  }
  const picture = svg("svg", {
    width: drawing.width, height: drawing.height, viewBox: `0 0 ${drawing.width} ${drawing.height}`,
    role: "group", "aria-label": "Graph of exchanges and queues. Arrow keys move, Enter selects.",
  }, arrowheads());
  picture.style.setProperty("--width", `${drawing.width}px`);
  // What stands out is drawn last, over the rest.
  for (const lit of [false, true]) {
    for (const line of drawing.lines) {
      if (Boolean(line.lit) === lit) picture.append(drawLine(line, drawing.lit));
    }
  }
  for (const box of drawing.boxes) {
    box.element = drawBox(box, drawing.lit, box.id === selected);
    box.element.addEventListener("click", () => choose(box.id));
    picture.append(box.element);
    boxes.push(box);
  }
  picture.addEventListener("keydown", (event) => onKey(event, choose));
  picture.addEventListener("focusin", (event) => {
    const box = boxes.find((b) => b.element === event.target);
    if (box) stand(box);
  });
  stand(boxes.find((b) => b.id === current) ?? boxes.find((b) => b.id === selected) ?? boxes[0]);
  const { scrollLeft, scrollTop } = canvas;
  canvas.replaceChildren(picture);
  canvas.scrollTo(scrollLeft, scrollTop);
}

// countGraph shows counts of queues, by name.
export function countGraph(counts) {
  for (const box of boxes) {
    if (box.kind !== "queue" || box.missing) continue;
    const now = counts.get(nameOf(box.id));
    if (!now || now === box.shown) continue;
    box.shown = now;
    box.element.querySelector(".detail").textContent = brief(now);
    box.element.setAttribute("aria-label", `queue ${nameOf(box.id)}, ${sentence(now)}${box.lit ? ", gets the message" : ""}`);
  }
}

function arrowheads() {
  return svg("defs", {}, ...["bound", "alternate", "dead-letter", "lit"].map((kind) =>
    svg("marker", { id: `head-${kind}`, class: `head-${kind}`, viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" },
      svg("path", { d: "M0 0L8 4L0 8z" }))));
}

function drawLine(line, anyLit) {
  const state = line.lit ? " lit" : anyLit ? " unlit" : "";
  const g = svg("g", { class: `line ${line.kind}${state}`, "aria-hidden": "true", "data-from": line.from, "data-to": line.to },
    svg("title", {}, `${nameOf(line.from)} → ${nameOf(line.to)}, ${line.tip}`),
    svg("path", { d: line.path, "marker-end": `url(#head-${line.lit ? "lit" : line.kind})` }));
  if (line.label) {
    const { x, y, w, h } = line.at;
    g.append(svg("rect", { x, y, width: w, height: h, rx: 3 }), svg("text", { x: x + w / 2, y: y + h / 2 + 4 }, line.label));
  }
  return g;
}

function drawBox(box, anyLit, selected) {
  const name = nameOf(box.id), exchange = box.kind === "exchange";
  const state = (box.lit ? " lit" : anyLit ? " unlit" : "") + (box.missing ? " missing" : "") + (selected ? " selected" : "");
  const x = box.x + box.w / 2, y = box.y + box.h / 2, round = exchange ? Math.min(box.h / 2, 21) : 4;
  const detail = box.missing ? "missing" : exchange ? box.detail : "";
  return svg("g", {
    class: `box ${box.kind}${state}`, role: "button", tabindex: -1, "aria-pressed": String(selected), "data-key": `box ${box.id}`, "data-id": box.id,
    "aria-label": `${box.kind} ${name}${detail ? `, ${detail}` : ""}${box.lit ? (exchange ? ", on the message's way" : ", gets the message") : ""}`,
  },
    svg("title", {}, `${box.kind} ${name}`),
    svg("rect", { x: box.x, y: box.y, width: box.w, height: box.h, rx: round }),
    svg("rect", { class: "ring", x: box.x - 4, y: box.y - 4, width: box.w + 8, height: box.h + 8, rx: round + 4 }),
    svg("text", { class: "name", x, y: y - 3 }, box.title),
    svg("text", { class: "detail", x, y: y + 13 }, detail));
}

// stand makes a box the one that Tab comes to.
function stand(box) {
  current = box.id;
  for (const b of boxes) b.element.setAttribute("tabindex", b === box ? 0 : -1);
}

const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event, choose) {
  const from = boxes.find((b) => b.element === document.activeElement);
  if (!from || event.altKey || event.ctrlKey || event.metaKey) return;
  let to;
  if (event.key === "Enter" || event.key === " ") {
    choose(from.id);
  } else if (event.key === "Home") {
    to = boxes[0];
  } else if (event.key === "End") {
    to = boxes.at(-1);
  } else if (event.key in directions) {
    to = nearest(from, ...directions[event.key]);
  } else {
    return;
  }
  event.preventDefault();
  to?.element.focus();
}

// nearest is the box that is next in a direction; a step aside counts more than
// one ahead.
function nearest(from, dx, dy) {
  let best, least = Infinity;
  for (const box of boxes) {
    const x = box.x + box.w / 2 - from.x - from.w / 2, y = box.y + box.h / 2 - from.y - from.h / 2;
    const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead <= 0 || (dy !== 0 && aside > 8 && kindOf(box.id) !== kindOf(from.id))) continue;
    const far = ahead + (dx !== 0 ? 0.3 : 3) * aside;
    if (far < least) [best, least] = [box, far];
  }
  return best;
}
