// Making elements. Nothing here parses HTML: names of queues are text, always.

const svgSpace = "http://www.w3.org/2000/svg";

// el makes an element with attributes and children, which are elements or text.
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// svg is el for an SVG element.
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

// setText changes a text only if it differs, so that screen readers are not told
// of what is the same.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// keepFocus runs change, which may replace elements, and puts the focus back to
// the element with the same data-key.
export function keepFocus(change) {
  const key = document.activeElement?.dataset?.key;
  change();
  if (key && document.activeElement?.dataset?.key !== key) {
    document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }
}

// nameOf is what an ID of an exchange or a queue is called.
export function nameOf(id) {
  const name = id.slice(id.indexOf(":") + 1);
  return name === "" && kindOf(id) === "exchange" ? "(default exchange)" : name;
}

export const kindOf = (id) => id.slice(0, id.indexOf(":"));
