// Builds elements. Text is only ever set as text: the page has no place where a string becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** `el("p", {class: "note", onclick: go}, "words", child)`; false, null and undefined are left out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((one) => one !== undefined && one !== null && one !== false));
  return element;
}

/** Sets a text only where it differs: a screen reader is not told the same again, and nothing is laid out. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Brings the children of `host` in line with `items`: one that is still there is updated and keeps its place
 * in the document, with focus and all. `make(item)` returns an element with a function `update(item)`.
 */
export function keyed(host, items, keyOf, make) {
  const there = new Map([...host.children].map((child) => [child.dataset.key, child]));
  let before = null;
  for (const item of items) {
    const key = keyOf(item);
    let child = there.get(key);
    there.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    child.update?.(item);
    const place = before ? before.nextElementSibling : host.firstElementChild;
    if (place !== child) host.insertBefore(child, place);
    before = child;
  }
  for (const child of there.values()) child.remove();
}

/** Tells something that is urgent (`#said`) or merely done (`#noted`) to who does not see the screen. */
export function say(text, { urgent = false } = {}) {
  const line = document.getElementById(urgent ? "said" : "noted");
  line.textContent = "";
  setTimeout(() => { line.textContent = text; }, 50);
}
