// Fingers, mouse and keys on a chart: drag to move, pinch to stretch, tap to read. Up and down scroll the page.

const TAP_PX = 8;

/** `width()` is the drawn width, `left()` where it begins; `read(x)` is called for a tap or the moving mouse. */
export function gestures(element, period, { width, left, read, step }) {
  const fingers = new Map();
  let moved = 0;

  const part = (x) => (x - element.getBoundingClientRect().left - left()) / width();

  element.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event.clientX);
    element.setPointerCapture(event.pointerId);
    moved = fingers.size > 1 ? Infinity : 0;
  });

  element.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") read(part(event.clientX));
      return;
    }
    const by = event.clientX - before;
    if (fingers.size === 1) {
      moved += Math.abs(by);
      if (moved > TAP_PX) period.pan(-by / width());
    } else {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
      const from = Math.abs(before - other);
      const to = Math.abs(event.clientX - other);
      if (from > 4 && to > 4) period.zoom(from / to, part((event.clientX + other) / 2));
      period.pan(-by / 2 / width());
    }
    fingers.set(event.pointerId, event.clientX);
  });

  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && moved <= TAP_PX) read(part(event.clientX));
  };
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);

  element.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return; // that scrolls the page
    event.preventDefault();
    if (event.ctrlKey) period.zoom(Math.exp(event.deltaY / 200), part(event.clientX));
    else period.pan(event.deltaX / width());
  }, { passive: false });

  const KEYS = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    PageUp: () => period.pan(-0.5),
    PageDown: () => period.pan(0.5),
    "+": () => period.zoom(0.5),
    "-": () => period.zoom(2),
  };
  element.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.metaKey || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    act();
  });
}
