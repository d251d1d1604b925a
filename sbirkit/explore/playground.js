// Points are dragged here; each place goes to Python as soon as it has answered the one before.
const BOARD = 440;

function render({ model, el }) {
  const { root, said: message, send, answered, done } = frame(model, el, "playground", () => next());
  let held = -1, finger = null, picked = 0, waiting = false, queue = [], running = false;
  let aim = null;  // where a point is on its way to, until Python has answered
  const ask = (what) => {  // one question at a time; of moves of a point, or turns of a knob, only the last one counts
    if (!waiting) { waiting = true; send(what); return; }
    queue = queue.filter((q) => q.do !== what.do || q.index !== what.index || q.knob !== what.knob || q.do === "step");
    queue.push(what);
  };
  const next = () => { waiting = false; const one = queue.shift(); if (one) ask(one); return one; };
  const canvas = h("canvas", { class: "sb-board", tabindex: "0", role: "application", "aria-label": "Plane of points", "aria-describedby": "sb-board-help" });
  const g = crisp(canvas, BOARD, BOARD);
  const edge = () => model.get("shown").edge, inside = (v) => Math.max(-edge(), Math.min(edge(), v));
  const to = (x, y) => [(x / edge() + 1) * BOARD / 2, (1 - y / edge()) * BOARD / 2];
  const from = (e) => { const r = canvas.getBoundingClientRect();
    return [((e.clientX - r.left) / r.width * 2 - 1) * edge(), (1 - (e.clientY - r.top) / r.height * 2) * edge()]; };
  const spot = (i) => { const d = model.get("shown").dots[i]; return aim?.index === i ? [aim.x, aim.y] : [d.x, d.y]; };
  const move = (i, x, y) => { aim = { do: "move", index: i, x: inside(x), y: inside(y) }; ask(aim); paint(); };

  const shape = (kind, x, y, r) => {
    g.beginPath();
    if (kind === "sketch") g.arc(x, y, r, 0, 7);
    else if (kind === "photo") g.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
    else { g.moveTo(x, y - r * 1.25); g.lineTo(x + r * 1.25, y); g.lineTo(x, y + r * 1.25); g.lineTo(x - r * 1.25, y); g.closePath(); }
  };
  const paint = () => {
    const s = model.get("shown"), text = ink(root, "--sb-ink", "#222"), soft = ink(root, "--sb-soft", "#777");
    g.clearRect(0, 0, BOARD, BOARD);
    g.strokeStyle = soft; g.globalAlpha = 0.35; g.lineWidth = 1;
    g.beginPath(); g.moveTo(0, BOARD / 2); g.lineTo(BOARD, BOARD / 2); g.moveTo(BOARD / 2, 0); g.lineTo(BOARD / 2, BOARD); g.stroke();
    if (s.directions) { g.globalAlpha = 0.7; g.beginPath(); g.arc(BOARD / 2, BOARD / 2, BOARD / 2 / s.edge, 0, 7); g.stroke(); }
    for (const [i, j, w, same] of s.pairs) {
      g.globalAlpha = 0.25 + 0.6 * w; g.lineWidth = 0.8 + 2.4 * w; g.strokeStyle = same ? ink(root, "--sb-hit", "#0072b2") : ink(root, "--sb-miss", "#a8440a");
      g.setLineDash(same ? [] : [3, 5]);
      g.beginPath(); g.moveTo(...to(...spot(i))); g.lineTo(...to(...spot(j))); g.stroke();
    }
    g.setLineDash([]); g.globalAlpha = 1;
    const longest = Math.max(1e-9, ...s.dots.map((d) => Math.hypot(...d.push)));
    const scale = 62 * Math.min(1, 0.35 + Math.sqrt(longest)) / longest;
    s.dots.forEach((d, i) => {
      const [x, y] = to(...spot(i)), [u, v] = [d.push[0] * scale, -d.push[1] * scale], n = Math.hypot(u, v);
      if (n > 2 && longest > 1e-6) {
        const [a, b] = [x + u * (1 + 11 / n), y + v * (1 + 11 / n)], t = Math.atan2(v, u);
        g.strokeStyle = text; g.lineWidth = 2; g.beginPath(); g.moveTo(x, y); g.lineTo(a, b);
        for (const turn of [2.6, -2.6]) { g.moveTo(a, b); g.lineTo(a + 8 * Math.cos(t + turn), b + 8 * Math.sin(t + turn)); }
        g.stroke();
      }
    });
    s.dots.forEach((d, i) => {
      const [x, y] = to(...spot(i));
      shape(d.kind, x, y, 11); g.fillStyle = d.colour; g.fill();
      g.lineWidth = i === picked && document.activeElement === canvas ? 4 : 1.5; g.strokeStyle = text; g.stroke();
      g.fillStyle = "#fff"; g.font = "bold 11px sans-serif"; g.textAlign = "center"; g.textBaseline = "middle"; g.fillText(d.label, x, y + 0.5);
      if (d.name) { g.fillStyle = text; g.font = "11px sans-serif"; g.fillText(d.name, x, y + 22); }
    });
  };
  const near = ([x, y]) => { let best = -1, least = 0.12 * edge();
    model.get("shown").dots.forEach((d, i) => { const away = Math.hypot(d.x - x, d.y - y); if (away < least) { least = away; best = i; } });
    return best; };
  const other = (e) => held >= 0 && e.pointerId !== finger;  // a palm, or a second finger
  canvas.onpointerdown = (e) => {
    if (e.button || other(e)) return;
    const i = near(from(e)); canvas.focus({ preventScroll: true });
    if (i >= 0) { held = picked = i; finger = e.pointerId; running = false; canvas.setPointerCapture(finger); e.preventDefault(); paint(); }
  };
  canvas.onpointermove = (e) => {
    if (held < 0) canvas.style.cursor = near(from(e)) >= 0 ? "grab" : "default";
    else if (!other(e)) move(held, ...from(e));
  };
  canvas.onpointerup = canvas.onpointercancel = (e) => { if (!other(e)) { held = -1; paint(); } };
  canvas.onfocus = canvas.onblur = paint;
  const name = (i) => { const d = model.get("shown").dots[i]; return `${d.name || `${d.kind} of class ${d.label}`}, at ${d.x.toFixed(2)}, ${d.y.toFixed(2)}`; };
  canvas.onkeydown = (e) => {
    const dots = model.get("shown").dots, far = e.shiftKey ? 0.2 : 0.05;
    const way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[e.key];
    if (way) { const [x, y] = spot(picked); move(picked, x + way[0], y + way[1]); }
    else if (e.key === "n" || e.key === "p") { picked = (picked + (e.key === "n" ? 1 : dots.length - 1)) % dots.length; message.textContent = name(picked); }
    else if (e.key === " " || e.key === "Enter") ask({ do: "step" });
    else return;
    e.preventDefault(); e.stopPropagation(); paint();
  };

  const game = h("select", { "aria-label": "Loss", onchange: () => { running = false; ask({ do: "choose", game: game.value }); } });
  const presets = h("div", { class: "sb-row", role: "group", "aria-label": "What to look at" });
  const words = h("p", { class: "sb-words" }), knobs = h("div", { class: "sb-knobs" }), read = h("table", { class: "sb-read" });
  const run = h("button", { "aria-pressed": "false", onclick: () => { running = !running; if (running) ask({ do: "run", steps: 2 }); label(); } }, "Run");
  const label = () => { run.textContent = running ? "Stop" : "Run"; run.setAttribute("aria-pressed", String(running)); };
  const rate = slider("Step length", { min: -3, max: 0, step: 0.1, value: -1, shown: (v) => (10 ** v).toPrecision(2), live: false,
    change: (v) => ask({ do: "pace", rate: Math.min(1, Math.max(0.001, 10 ** v)) }) });
  const curve = h("svg", { svg: 1, class: "sb-curve", viewBox: "0 0 300 70", role: "img", "aria-label": "The loss over the steps taken" });
  root.append(h("div", { class: "sb-plane" }, canvas,
    h("p", { id: "sb-board-help", class: "sb-help" }, "○ sketch, □ photo, ◇ learned vector; the number is the class. Drag a point. ",
      "Keys: n and p choose a point, arrows move it (Shift: far), Space takes a step. Lines join the pairs that take part: solid one class, dotted two.")),
    h("div", { class: "sb-desk" }, h("label", { class: "sb-row" }, h("span", {}, "Loss"), game), presets, words, knobs,
      h("div", { class: "sb-row" }, h("button", { onclick: () => { running = false; ask({ do: "step" }); } }, "Step"), run,
        h("button", { onclick: () => { running = false; ask({ do: "again" }); } }, "From the start")), rate, read, curve, message));

  const knob = (k) => {
    if (k.names.length) {
      const choice = h("select", { "aria-label": k.name, "data-key": `knob ${k.name}`, onchange: () => ask({ do: "turn", knob: k.name, value: choice.value }) });
      const el = h("label", { class: "sb-slider" }, h("span", {}, k.name), choice);
      el.set = (v) => options(choice, k.names, v);
      return el;
    }
    const s = slider(k.name, { min: k.low, max: k.high, step: (k.high - k.low) / 100, value: k.value, shown: (v) => (+v).toFixed(2),
      change: (v) => ask({ do: "turn", knob: k.name, value: v }) });
    s.querySelector("input").dataset.key = `knob ${k.name}`;
    return s;
  };
  let built = "", controls = [];
  const update = () => {
    const s = model.get("shown");
    const coming = (what, knob) => queue.some((q) => q.do === what && q.knob === knob);  // then what is shown is newer
    answered(); picked = Math.min(picked, s.dots.length - 1);
    if (game.dataset.names !== JSON.stringify(Object.keys(s.games))) options(game, Object.keys(s.games), s.game, (n) => s.games[n]);
    game.value = s.game;
    refill(presets, Object.entries(s.presets).map(([n, title]) => h("button", { "data-key": n, "aria-pressed": String(n === s.preset),
      onclick: () => { running = false; ask({ do: "tell", preset: n }); } }, title)));
    words.textContent = s.words;
    if (s.game !== built) { built = s.game; controls = s.knobs.map(knob); refill(knobs, controls); }
    s.knobs.forEach((k, i) => { if (!coming("turn", k.name)) controls[i].set(k.value); });
    if (!coming("pace")) rate.set(Math.log10(s.rate));
    if (!coming("move")) aim = null;
    refill(read, s.readings.map(([n, v]) => h("tr", {}, h("th", { scope: "row" }, n), h("td", {}, v))));
    if (s.history.length > 1) {
      const low = Math.min(...s.history), span = Math.max(...s.history) - low || 1;
      const points = s.history.map((v, i) => `${(i / (s.history.length - 1) * 296 + 2).toFixed(1)},${(66 - (v - low) / span * 60).toFixed(1)}`);
      curve.replaceChildren(h("polyline", { svg: 1, points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 2 }));
    } else curve.replaceChildren();
    paint();
    if (s.message.startsWith("No gradient")) running = false;
    if (!next() && running) requestAnimationFrame(() => { if (running && !waiting) ask({ do: "run", steps: 2 }); });
    label();
  };
  model.on("change:shown", update);
  update();
  const end = themed(paint);
  return () => { running = false; model.off("change:shown", update); end(); done(); };
}
export default { render };
