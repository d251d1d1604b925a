// What all explorers share. Text goes through textContent only: names are data, never markup.
const SVG = "http://www.w3.org/2000/svg";

function h(tag, props = {}, ...children) {
  const el = props.svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "svg" || value === undefined || value === null) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "checked" || name === "disabled" || name === "value") el[name] = value;
    else el.setAttribute(name, value);
  }
  // Where arrows choose, they are not JupyterLab's: it would move to another cell.
  if (tag === "select" || props.type === "range") el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== ""));
  return el;
}

const said = (name) => String(name).replaceAll("_", " ");

// New children; the focus returns to the element with the same data-key.
function refill(box, ...children) {
  const inside = box.contains(document.activeElement), focused = inside ? document.activeElement.dataset.key : undefined;
  const open = new Set([...box.querySelectorAll("details[open]")].map((d) => d.dataset.key));
  box.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== ""));
  for (const d of box.querySelectorAll("details")) if (open.has(d.dataset.key)) d.open = true;
  if (focused !== undefined) {
    const again = [...box.querySelectorAll("[data-key]")].find((e) => e.dataset.key === focused);
    if (again) again.focus({ preventScroll: true });
  }
  if (inside && !box.contains(document.activeElement)) {  // what had it is gone: stay near, not at the page's start
    const near = box.childElementCount ? box : box.closest(".sb").querySelector("canvas[tabindex], select");
    if (near === box) box.tabIndex = -1;
    near.focus({ preventScroll: true });
  }
}

// A button that does nothing for now; a disabled one would lose the focus.
const able = (button, yes) => button.setAttribute("aria-disabled", String(!yes));

// A <select> that keeps its options unless they differ.
function options(select, names, value, words = said) {
  if (select.dataset.names !== JSON.stringify(names)) {
    select.replaceChildren(...names.map((n) => h("option", { value: n }, words(n))));
    select.dataset.names = JSON.stringify(names);
  }
  select.value = value;
}

function slider(label, { min, max, step, value, shown = (v) => v, live = true, change }) {
  const out = h("output", {}, shown(value));
  const input = h("input", { type: "range", min, max, step, value, "aria-label": label });
  let held = false;  // a value that was not handed on yet
  input.value = value;
  input.addEventListener("input", () => { out.textContent = shown(+input.value); if (live) change(+input.value); else held = true; });
  if (!live) input.addEventListener("change", () => { held = false; change(+input.value); });
  const el = h("label", { class: "sb-slider" }, h("span", {}, label), input, out);
  el.set = (v) => { if (!held) { input.value = v; out.textContent = shown(v); } };
  return el;
}

// The frame around an explorer: what the kernel last said, and what to do when there is no kernel.
// late() is called when a message has had no answer for so long that none may ever come.
function frame(model, el, name, late = () => {}) {
  const said = h("p", { class: "sb-message", role: "status", "aria-live": "polite" });
  const lost = h("p", { class: "sb-lost", role: "alert" },
    "The kernel was restarted or is gone, so nothing here can answer any more. " +
    "Run the notebook's cells again, from the top, and draw on.");
  const root = h("section", { class: `sb sb-${name}`, "aria-label": name }, lost);
  root.addEventListener("click", (e) => { if (e.target.closest("[aria-disabled=true]")) e.stopPropagation(); }, true);
  const lose = () => { root.classList.add("sb-gone"); root.classList.remove("sb-busy"); };
  let waiting = null;
  const send = (message) => {
    root.classList.add("sb-busy");
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      said.textContent = "No answer for five seconds: the kernel is busy with another cell, or gone. If this stays, run the cells above again.";
      late();
    }, 5000);
    try { model.send(message); } catch { lose(); }
  };
  const answered = (words = "") => {
    root.classList.remove("sb-busy"); clearTimeout(waiting);
    words = model.get("shown").message || words;
    if (said.textContent !== words) said.textContent = words;  // said again, it would be read aloud again
  };
  const status = (_, now) => { if (["restarting", "autorestarting", "dead", "terminating"].includes(now)) lose(); };
  const kernel = model.widget_manager?.kernel;  // JupyterLab's; elsewhere the next message finds out
  kernel?.statusChanged?.connect(status);
  el.append(root);
  return { root, said, send, answered, done: () => { kernel?.statusChanged?.disconnect(status); clearTimeout(waiting); } };
}

// Canvases do not follow the theme: paint them again when it turns, and once the styles are known. Gives what ends this.
function themed(repaint) {
  const theme = new MutationObserver(repaint), dark = matchMedia("(prefers-color-scheme: dark)");
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  dark.addEventListener("change", repaint);
  requestAnimationFrame(repaint);
  return () => { theme.disconnect(); dark.removeEventListener("change", repaint); };
}

const ink = (el, name, fallback) => getComputedStyle(el).getPropertyValue(name).trim() || fallback;

// A canvas as sharp as the screen; draw() gets its context in CSS pixels.
function crisp(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale; canvas.height = height * scale;
  canvas.style.aspectRatio = `${width} / ${height}`;
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  return g;
}
