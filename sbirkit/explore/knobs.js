// Four sliders; pictures and curves come from Python, one question at a time.
const WIDE = 560, HIGH = 300, LEFT = 46, RIGHT = 12, TOP = 12, LOW = 34;

function render({ model, el }) {
  const { root, said: message, send, answered, done } = frame(model, el, "world", () => next());
  let waiting = false, queue = [];
  const ask = (what) => {  // one question at a time; of several turns of one knob only the last one counts
    if (!waiting) { waiting = true; send(what); return; }
    queue = queue.filter((q) => q.do !== what.do || q.knob !== what.knob || !what.knob);
    queue.push(what);
  };
  const next = () => { waiting = false; const one = queue.shift(); if (one) ask(one); };

  const label = h("select", { "aria-label": "Class", onchange: () => ask({ do: "choose", label: label.value }) });
  const tasks = h("div", { class: "sb-row", role: "group", "aria-label": "What is asked" });
  const sliders = new Map(), knobs = h("div", { class: "sb-knobs" });
  const words = h("p", { class: "sb-words" }), before = h("div", { class: "sb-pairs" }), now = h("div", { class: "sb-pairs" });
  const chart = h("svg", { svg: 1, class: "sb-chart", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
  const table = h("table", { class: "sb-read sb-curves" }), basis = h("p", { class: "sb-help" });
  root.append(
    h("div", { class: "sb-knobside" }, h("label", { class: "sb-row" }, h("span", {}, "Individuals of"), label), knobs, words,
      h("div", { class: "sb-row" }, h("button", { onclick: () => ask({ do: "others" }) }, "Other individuals"),
        h("button", { onclick: () => ask({ do: "reset" }) }, "All as in the benchmark")),
      h("h5", {}, "as the benchmark has them"), before, h("h5", {}, "now"), now),
    h("div", { class: "sb-desk" }, tasks, chart, message, table, basis));

  const knob = (k) => {
    const s = slider(k.name, { min: k.low, max: k.high, step: 0.05, value: k.value, shown: (v) => (+v).toFixed(2),
      change: (v) => ask({ do: "turn", knob: k.name, value: +v }) });
    const input = s.querySelector("input");
    input.setAttribute("aria-description", `${k.words}. The benchmark has ${k.plain}.`);
    input.addEventListener("focus", () => { if (model.get("shown").knob !== k.name) ask({ do: "look_at", knob: k.name }); });
    sliders.set(k.name, s);
    return s;
  };
  const pair = ([sketch, photo], what, i, s) => h("span", { class: "sb-pair", role: "img",
    "aria-label": `${said(s.label)} ${i + 1}, ${what}: sketch and photo` },
    h("img", { src: sketch, alt: "" }), h("img", { src: photo, alt: "" }));
  const three = (v) => v.toFixed(3), signed = (v) => (v > 0 ? "+" : v < 0 ? "−" : "±") + Math.abs(v).toFixed(3);

  const draw = (s) => {
    chart.replaceChildren();
    if (!s.curves.length) return;
    const k = s.knobs.find((one) => one.name === s.knob);
    const most = Math.max(...s.curves.flatMap((c) => c.bands.map((b) => b[1]))), roof = Math.ceil(most * 10 + 0.3) / 10;
    const x = (v) => LEFT + (v - k.low) / (k.high - k.low) * (WIDE - LEFT - RIGHT), y = (v) => HIGH - LOW - v / roof * (HIGH - TOP - LOW);
    const line = (props) => chart.append(h("line", { svg: 1, stroke: "currentColor", ...props }));
    const text = (words, props) => chart.append(h("text", { svg: 1, fill: "currentColor", "font-size": 12, ...props }, words));
    for (let v = 0; v <= roof + 1e-9; v += roof > 0.6 ? 0.2 : 0.1) {
      line({ x1: LEFT, x2: WIDE - RIGHT, y1: y(v), y2: y(v), opacity: 0.18 });
      text(v.toFixed(1), { x: LEFT - 7, y: y(v) + 4, "text-anchor": "end" });
    }
    for (const v of s.values) text(String(v), { x: x(v), y: HIGH - LOW + 16, "text-anchor": "middle" });
    text(`${s.knob}`, { x: (LEFT + WIDE) / 2, y: HIGH - 3, "text-anchor": "middle", "font-weight": 600 });
    text(s.metric, { x: LEFT, y: TOP - 1, "font-weight": 600 });
    line({ x1: x(k.plain), x2: x(k.plain), y1: TOP + 4, y2: HIGH - LOW, opacity: 0.4, "stroke-dasharray": "2 4" });
    for (const c of s.curves) {
      const dim = s.spot && s.spot !== c.name;
      const way = s.values.map((v, i) => `${x(v)},${y(c.means[i])}`).join(" ");
      const band = [...s.values.map((v, i) => `${x(v)},${y(c.bands[i][1])}`), ...s.values.map((v, i) => `${x(v)},${y(c.bands[i][0])}`).reverse()];
      if (!s.spot || !dim) chart.append(h("polygon", { svg: 1, points: band.join(" "), fill: c.colour, opacity: s.spot ? 0.25 : 0.08 }));
      chart.append(h("polyline", { svg: 1, points: way, fill: "none", stroke: c.colour, "stroke-width": dim ? 1.5 : 2.5,
        opacity: dim ? 0.35 : 1, "stroke-dasharray": c.dash.join(" ") }));
      for (const [i, v] of s.values.entries()) chart.append(h("circle", { svg: 1, cx: x(v), cy: y(c.means[i]), r: 2.5, fill: c.colour, opacity: dim ? 0.35 : 1 }));
    }
    line({ class: "sb-marker", x1: x(k.value), x2: x(k.value), y1: TOP + 4, y2: HIGH - LOW, "stroke-width": 2,
      "stroke-dasharray": s.plainly ? "" : "5 4", "data-value": k.value });
    for (const c of s.curves) chart.append(h("circle", { svg: 1, cx: x(k.value), cy: y(c.here.mean), r: 5, stroke: "currentColor",
      "stroke-width": 1.5, fill: s.plainly ? c.colour : "none" }));
    chart.setAttribute("aria-label", `${s.metric} of ${s.curves.length} methods over ${s.knob}; you stand at ${k.value}. The table below reads it off.`);
  };
  const within = ([low, high], words) => h("span", { class: "sb-help" }, ` [${words(low)}, ${words(high)}]`);
  const row = (c, s) => h("tr", {}, h("th", { scope: "row" }, h("button", { class: "sb-key", "data-key": c.name,
    "aria-pressed": String(s.spot === c.name), title: "Draw this curve strongly", onclick: () => ask({ do: "light", name: c.name }) },
    h("svg", { svg: 1, viewBox: "0 0 34 10", width: 34, height: 10, "aria-hidden": "true" },
      h("line", { svg: 1, x1: 1, x2: 33, y1: 5, y2: 5, stroke: c.colour, "stroke-width": 3, "stroke-dasharray": c.dash.join(" ") })), c.title)),
    h("td", {}, `${c.here.measured ? "" : "≈ "}${three(c.here.mean)}`, within(c.here.interval, three)),
    h("td", {}, signed(c.here.change), within(c.here.change_interval, signed)));

  const update = () => {
    const s = model.get("shown");
    answered();
    options(label, s.classes, s.label, (n) => said(n) + (s.unseen.includes(n) ? " (unseen)" : ""));
    if (!sliders.size) knobs.append(...s.knobs.map(knob));
    for (const k of s.knobs) {
      const one = sliders.get(k.name);
      if (!queue.some((q) => q.do === "turn" && q.knob === k.name)) one.set(k.value);
      one.classList.toggle("sb-chosen", k.name === s.knob);
    }
    const k = s.knobs.find((one) => one.name === s.knob);
    words.textContent = `${k.name}: ${k.words}. The benchmark has ${k.plain}.`;
    refill(tasks, Object.entries(s.tasks).map(([name, title]) => h("button", { "data-key": `task ${name}`,
      "aria-pressed": String(name === s.task), onclick: () => ask({ do: "ask", task: name }) }, title)));
    refill(before, s.before.map((p, i) => pair(p, "as in the benchmark", i, s)));
    refill(now, s.now.map((p, i) => pair(p, "now", i, s)));
    draw(s);
    chart.toggleAttribute("hidden", !s.curves.length);
    refill(table, s.curves.length ? [h("thead", {}, h("tr", {}, ["method", s.metric, "change"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, s.curves.map((c) => row(c, s)))] : []);
    basis.textContent = s.basis && `${s.basis} The change is against the benchmark's setting, query by query.${s.curves.some((c) => !c.here.measured) ? " ≈: between two measured settings, on the straight line." : ""}`;
    next();
  };
  model.on("change:shown", update);
  update();
  return () => { model.off("change:shown", update); done(); };
}
export default { render };
