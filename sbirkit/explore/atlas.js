// Maps of points on canvases. Positions came once, as bytes; what is picked comes as one bit for each point.
const PLANE = 520, FAR = 12, STATES = ["faint", "plain", "wrong", "picked"];  // drawn in this order

const bytes = (view) => new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const words16 = (view) => new Uint16Array(bytes(view).buffer);

// A photo is a filled circle, a sketch a hollow triangle.
function mark(g, x, y, r, sketch, colour) {
  g.beginPath();
  if (sketch) { g.moveTo(x, y - r * 1.25); g.lineTo(x + r * 1.15, y + r * 0.8); g.lineTo(x - r * 1.15, y + r * 0.8); g.closePath(); }
  else g.arc(x, y, r, 0, 7);
  if (sketch) { g.strokeStyle = colour; g.lineWidth = 1.6; g.stroke(); } else { g.fillStyle = colour; g.fill(); }
}

function render({ model, el }) {
  const { root, said: message, send, answered, done } = frame(model, el, "atlas", () => next());
  const cloud = model.get("cloud"), n = cloud.n, sketch = bytes(cloud.sketch);
  const places = cloud.positions.map(words16), wrong = cloud.wrong.map(bytes);
  const codes = Object.fromEntries(Object.entries(cloud.groups).map(([k, v]) => [k, words16(v.codes)]));
  const still = matchMedia("(prefers-reduced-motion: reduce)"), big = n > 4000 ? 2.2 : n > 1200 ? 3 : 4;

  // One question at a time; of looks and moves of the slider only the last one counts.
  let waiting = false, queue = [], looking = -1, shown = model.get("shown"), picked = new Uint8Array(0), sprites = new Map();
  const ask = (what) => {
    if (what.do === "look") looking = what.number;
    if (!waiting) { waiting = true; send(what); return; }
    if (["look", "move_to"].includes(what.do)) queue = queue.filter((q) => q.do !== what.do);
    queue.push(what);
  };
  const next = () => { waiting = false; const one = queue.shift(); if (one) ask(one); };
  const isPicked = (i) => picked[i >> 3] >> (i & 7) & 1;
  const colourOf = (p, s, i) => shown.colour === "error" ? wrong[p][s * n + i] : codes[shown.colour][i];

  const sprite = (group, kind, state) => {  // its bytes, drawn once for each kind of mark
    const key = (2 * group + kind) * STATES.length + state;
    if (!sprites.has(key)) {
      const name = STATES[state], r = big + (name === "wrong" ? 1.2 : 0), half = Math.ceil(name === "picked" ? big + 4 : 1.25 * r + 1);
      const scale = window.devicePixelRatio || 1, side = Math.ceil(2 * half * scale);
      const g = h("canvas", { width: side, height: side }).getContext("2d");
      g.scale(scale, scale);
      g.globalAlpha = name === "faint" ? 0.13 : 0.85;
      mark(g, half, half, r, kind, cloud.groups[shown.colour].colours[group]);
      if (name === "picked") { g.strokeStyle = ink(root, "--sb-ink", "#222"); g.lineWidth = 1.4; g.beginPath(); g.arc(half, half, big + 3.2, 0, 7); g.stroke(); }
      const seen = g.getImageData(0, 0, side, side).data, dots = [];  // column, row, then premultiplied colour
      for (let k = 0; k < side * side; k++) {
        const alpha = seen[4 * k + 3];
        if (alpha) dots.push(k % side, Math.floor(k / side), ...[0, 1, 2].map((c) => seen[4 * k + c] * alpha / 255), alpha);
      }
      sprites.set(key, { dots: Float32Array.from(dots), half: half * scale });
    }
    return sprites.get(key);
  };
  // One mark over what is there. By hand: tens of thousands of drawImage take a browser several times as long.
  const stamp = (sum, width, { dots, half }, x, y) => {
    const left = Math.round(x - half), up = Math.round(y - half);
    for (let k = 0; k < dots.length; k += 6) {
      const column = left + dots[k], row = up + dots[k + 1];
      if (column < 0 || row < 0 || column >= width || row >= width) continue;
      const d = 4 * (row * width + column), rest = 1 - dots[k + 5] / 255;
      for (let c = 0; c < 4; c++) sum[d + c] = dots[k + 2 + c] + sum[d + c] * rest;
    }
  };

  const maps = shown.panels.map((panel, p) => {
    const base = h("canvas", { "aria-hidden": "true" });
    const top = h("canvas", { class: "sb-over", tabindex: "0", role: "application", "aria-label": `Map of ${panel.title}`,
      "aria-describedby": "sb-atlas-help" });
    const caption = h("p", { class: "sb-help" });
    const m = { p, base, top, caption, g: crisp(base, PLANE, PLANE), o: crisp(top, PLANE, PLANE), at: panel.at, from: panel.at, t: 1,
      seen: { x: 0, y: 0, side: 1 }, cursor: null, radius: 0.08, line: null, finger: null, frame: 0 };
    m.el = h("figure", { class: "sb-map" }, h("h4", {}, panel.title), h("div", { class: "sb-stack" }, base, top), caption);
    m.where = (i) => {  // 0 to 1, from below
      const a = places[p], one = 2 * (m.at * n + i), old = 2 * (m.from * n + i);
      return [0, 1].map((k) => (a[old + k] + (a[one + k] - a[old + k]) * m.t) / 65535);
    };
    m.px = ([x, y]) => [(x - m.seen.x) / m.seen.side * PLANE, PLANE - (y - m.seen.y) / m.seen.side * PLANE];
    m.unit = (e) => {
      const r = top.getBoundingClientRect();
      return [m.seen.x + (e.clientX - r.left) / r.width * m.seen.side, m.seen.y + (1 - (e.clientY - r.top) / r.height) * m.seen.side];
    };
    m.near = ([x, y], most) => {
      let best = -1, least = most * most;
      for (let i = 0; i < n; i++) { const [a, b] = m.where(i), d = (a - x) ** 2 + (b - y) ** 2; if (d < least) { least = d; best = i; } }
      return best;
    };
    return m;
  });

  const names = (m) => {
    const group = cloud.groups[shown.colour], list = group.names;
    if (!["class", "family"].includes(shown.colour) || list.length > 24) return;
    const at = list.map(() => [[], []]);
    for (let i = 0; i < n; i++) { const w = m.where(i), c = codes[shown.colour][i]; at[c][0].push(w[0]); at[c][1].push(w[1]); }
    const g = m.g, put = [], middle = (v) => v.sort((a, b) => a - b)[v.length >> 1];
    g.font = "600 12px system-ui, sans-serif"; g.textAlign = "center"; g.textBaseline = "middle";
    g.lineWidth = 4; g.lineJoin = "round"; g.strokeStyle = ink(root, "--sb-card", "#fff"); g.fillStyle = ink(root, "--sb-ink", "#222");
    at.forEach(([xs, ys], c) => {
      if (!xs.length || (shown.spot && shown.spot !== list[c])) return;
      const [x, y] = m.px([middle(xs), middle(ys)]), text = said(list[c]).slice(0, 20);
      put.push({ x, y, text, w: g.measureText(text).width + 6 });
    });
    put.sort((a, b) => a.y - b.y).forEach((l, i) => {  // a name in the way of another goes below it
      for (const o of put.slice(0, i)) if (Math.abs(o.x - l.x) < (o.w + l.w) / 2 && Math.abs(o.y - l.y) < 14) l.y = o.y + 14;
      g.strokeText(l.text, l.x, l.y); g.fillText(l.text, l.x, l.y);
    });
  };
  const paint = (m) => {
    const g = m.g, list = cloud.groups[shown.colour].names, spot = shown.spot ? list.indexOf(shown.spot) : -1;
    const a = places[m.p], to = 2 * m.at * n, from = 2 * m.from * n, later = STATES.map(() => []);
    const along = (i) => (a[from + i] + (a[to + i] - a[from + i]) * m.t) / 65535;
    const { width } = m.base, step = width / m.seen.side;
    const sum = new Float32Array(4 * width * width), image = g.createImageData(width, width), out = image.data;
    for (let i = 0; i < n; i++) {
      const group = colourOf(m.p, m.at, i), error = shown.colour === "error" && group;
      const state = isPicked(i) ? 3 : spot >= 0 && group !== spot ? 0 : error ? 2 : 1;
      later[state].push((along(2 * i) - m.seen.x) * step, width - (along(2 * i + 1) - m.seen.y) * step, 2 * group + sketch[i]);
    }
    later.forEach((marks, state) => {
      for (let k = 0; k < marks.length; k += 3) stamp(sum, width, sprite(marks[k + 2] >> 1, marks[k + 2] & 1, state), marks[k], marks[k + 1]);
    });
    for (let d = 0; d < sum.length; d += 4) {
      const alpha = sum[d + 3];
      if (alpha) { for (let c = 0; c < 3; c++) out[d + c] = sum[d + c] * 255 / alpha; out[d + 3] = alpha; }
    }
    g.putImageData(image, 0, 0);
    if (m.t === 1) names(m);
    over(m);
  };
  const over = (m) => {
    const o = m.o, strong = ink(root, "--sb-ink", "#222"), accent = ink(root, "--sb-accent", "#0072b2");
    o.clearRect(0, 0, PLANE, PLANE);
    if (shown.looked) {
      const me = m.px(m.where(shown.looked.number)), near = shown.looked.near[m.p];
      o.strokeStyle = strong; o.lineWidth = 2;
      if (near) {
        o.setLineDash(near.sign === "✓" ? [] : [5, 4]);
        o.beginPath(); o.moveTo(...me); o.lineTo(...m.px(m.where(near.number))); o.stroke(); o.setLineDash([]);
      }
      o.beginPath(); o.arc(...me, 8, 0, 7); o.stroke();
    }
    o.strokeStyle = accent; o.lineWidth = 2;
    if (m.line) {
      o.beginPath(); m.line.forEach((q, i) => o[i ? "lineTo" : "moveTo"](...m.px(q))); o.closePath();
      o.globalAlpha = 0.15; o.fillStyle = accent; o.fill(); o.globalAlpha = 1; o.stroke();
    }
    if (m.cursor && document.activeElement === m.top) {
      const [x, y] = m.px(m.cursor), r = m.radius / m.seen.side * PLANE;
      o.setLineDash([6, 4]); o.beginPath(); o.arc(x, y, r, 0, 7); o.stroke(); o.setLineDash([]);
      o.beginPath(); o.moveTo(x - 8, y); o.lineTo(x + 8, y); o.moveTo(x, y - 8); o.lineTo(x, y + 8); o.stroke();
    }
  };
  const travel = (m, to) => {  // from moment to moment, so that the eye can follow
    if (to === m.at) return;
    cancelAnimationFrame(m.frame);
    m.from = m.at; m.at = to; m.t = still.matches ? 1 : 0;
    const start = performance.now();
    const step = (now) => {
      m.t = Math.min(1, Math.max(0, (now - start) / 350));
      paint(m);
      if (m.t < 1) m.frame = requestAnimationFrame(step);
    };
    if (m.t < 1) m.frame = requestAnimationFrame(step);
  };
  const closer = (m, all) => {
    const chosen = [];
    for (let i = 0; i < n; i++) if (!all && isPicked(i)) chosen.push(m.where(i));
    if (!chosen.length) m.seen = { x: 0, y: 0, side: 1 };
    else {
      const [lx, ly] = [0, 1].map((k) => chosen.reduce((v, w) => Math.min(v, w[k]), 1)), [hx, hy] = [0, 1].map((k) => chosen.reduce((v, w) => Math.max(v, w[k]), 0));
      const side = Math.max(hx - lx, hy - ly, 0.02) * 1.25;
      m.seen = { x: (lx + hx - side) / 2, y: (ly + hy - side) / 2, side };
    }
    paint(m);
  };
  const look = (i) => { if (i >= 0 && i !== looking) ask({ do: "look", number: i }); };
  const short = (v) => +v.toFixed(4);

  for (const m of maps) {
    const other = (e) => m.line && e.pointerId !== m.finger;  // a palm, or a second finger
    m.top.onpointerdown = (e) => {
      if (e.button || other(e)) return;
      e.preventDefault(); m.top.focus({ preventScroll: true }); m.top.setPointerCapture(e.pointerId);
      m.cursor = null; m.finger = e.pointerId; m.line = [m.unit(e)];
    };
    m.top.onpointermove = (e) => {
      if (other(e)) return;
      const q = m.unit(e);
      if (!m.line) { look(m.near(q, FAR / PLANE * m.seen.side)); return; }
      const last = m.line[m.line.length - 1];
      if (Math.hypot(q[0] - last[0], q[1] - last[1]) * PLANE / m.seen.side > 3) { m.line.push(q); over(m); }
    };
    m.top.onpointerup = (e) => {
      if (!m.line || other(e)) return;
      const line = m.line; m.line = null;
      if (line.length > 2) ask({ do: "lasso", panel: m.p, points: line.map((q) => q.map(short)), add: e.shiftKey });
      else ask({ do: "circle", panel: m.p, x: short(line[0][0]), y: short(line[0][1]), radius: FAR / PLANE * m.seen.side, add: e.shiftKey });
      over(m);
    };
    m.top.onpointercancel = (e) => { if (!other(e)) { m.line = null; over(m); } };
    m.top.onfocus = () => { if (m.top.matches(":focus-visible")) m.cursor ??= [m.seen.x + m.seen.side / 2, m.seen.y + m.seen.side / 2]; over(m); };
    m.top.onblur = () => over(m);
    m.top.onkeydown = (e) => {
      const far = (e.shiftKey ? 0.1 : 0.02) * m.seen.side;
      const way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[e.key];
      m.cursor ??= [m.seen.x + m.seen.side / 2, m.seen.y + m.seen.side / 2];
      if (way) {
        m.cursor = m.cursor.map((v, k) => Math.min(1, Math.max(0, v + way[k])));
        look(m.near(m.cursor, m.radius));
      } else if (e.key === "+" || e.key === "=") m.radius = Math.min(1.5, m.radius * 1.25);
      else if (e.key === "-") m.radius = Math.max(0.005, m.radius / 1.25);
      else if (e.key === "Enter" || e.key === " ") ask({ do: "circle", panel: m.p, x: short(m.cursor[0]), y: short(m.cursor[1]), radius: short(m.radius), add: e.shiftKey });
      else if (e.key === "Escape") ask({ do: "clear" });
      else if (e.key === "z") closer(m, false);
      else if (e.key === "0") closer(m, true);
      else return;
      e.preventDefault(); e.stopPropagation(); over(m);
    };
  }

  const colour = h("select", { "aria-label": "Colour by", onchange: () => ask({ do: "colour_by", what: colour.value }) });
  const moment = slider("Moment", { min: 0, max: Math.max(1, shown.moments.length - 1), step: 1, value: shown.moment,
    shown: (v) => shown.moments[v], change: (v) => ask({ do: "move_to", moment: v }) });
  const legend = h("div", { class: "sb-legend", role: "group", "aria-label": "Legend: press a name to show it alone" });
  const summary = h("p", { role: "status", "aria-live": "polite" }), tiles = h("div", { class: "sb-strip sb-many" });
  const seen = h("div", { class: "sb-looked", "aria-live": "polite" }), pages = h("span", { class: "sb-row" });
  const clear = h("button", { onclick: () => ask({ do: "clear" }) }, "Pick nothing");
  const zoom = h("button", { onclick: () => maps.forEach((m) => closer(m, false)) }, "Closer to what is picked");
  root.append(
    h("div", { class: "sb-wide" }, h("div", { class: "sb-row" }, h("label", {}, "Colour by ", colour), moment,
      h("button", { onclick: () => maps.forEach((m) => closer(m, true)) }, "Whole maps")), legend),
    ...maps.map((m) => m.el),
    h("p", { id: "sb-atlas-help", class: "sb-help sb-wide" },
      "Draw a line around points to pick them; Shift adds. Keys on a map: arrows move (Shift: far), + and - grow and shrink the circle, " +
      "Enter picks what is in it, z goes closer to what is picked, 0 shows all, Escape picks nothing."),
    seen, h("div", { class: "sb-wide" }, h("div", { class: "sb-row" }, clear, zoom, pages, message), summary, tiles));

  const thumb = (t, also) => [h("img", { src: t.url, alt: "", draggable: "false" }), h("span", {}, [t.sign, t.label].filter(Boolean).join(" ")), h("span", {}, also ?? t.modality)];
  const kind = (t) => t.sign === "✓" ? "hit" : t.sign === "✗" ? "miss" : "plain";
  const spoken = (t) => `${t.label}, ${t.modality}` + (t.sign ? `; nearest of the other kind by ${shown.panels[0].title} is ${t.sign === "✓" ? "of its class" : "of another class"}` : "");
  const swatch = (colour, tall) => h("svg", { svg: 1, viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
    h("rect", { svg: 1, x: tall ? 0 : 2, y: tall ? 0 : 2, width: tall ? 12 : 8, height: tall ? 12 : 8, fill: colour }));

  const update = () => {
    const last = shown;
    shown = model.get("shown");
    answered();
    if (!queue.some((q) => q.do === "look")) looking = shown.looked?.number ?? -1;
    picked = Uint8Array.from(atob(shown.picked), (c) => c.charCodeAt(0));
    if (last.colour !== shown.colour) sprites = new Map();
    options(colour, shown.colours, shown.colour);
    moment.hidden = shown.moments.length < 2;
    if (!queue.some((q) => q.do === "move_to")) moment.set(shown.moment);
    moment.querySelector("input").setAttribute("aria-valuetext", shown.moments[shown.moment]);
    const group = cloud.groups[shown.colour];
    refill(legend, h("span", { class: "sb-key" }, "● photo"), h("span", { class: "sb-key" }, "△ sketch"), h("span", { class: "sb-key" }, "○ around: picked"),
      group.names.map((name, k) => h("button", { class: "sb-key", "data-key": `group ${name}`, "aria-pressed": String(shown.spot === name),
        onclick: () => ask({ do: "light", name }) }, swatch(group.colours[k], shown.colour === "error" && k), said(name))),
      group.names.length > new Set(group.colours).size ? h("span", { class: "sb-help" }, "Colours repeat: press a name to see it alone.") : "");
    shown.panels.forEach((panel, p) => { maps[p].caption.textContent = panel.words; travel(maps[p], panel.at); });
    summary.textContent = shown.summary;
    able(clear, shown.count); able(zoom, shown.count);
    refill(pages, shown.pages > 1 ? [h("button", { "data-key": "back", "aria-disabled": String(!shown.page), onclick: () => ask({ do: "turn", pages: -1 }) }, "Back"),
      `${shown.page + 1} of ${shown.pages}`, h("button", { "data-key": "more", "aria-disabled": String(shown.page + 1 >= shown.pages), onclick: () => ask({ do: "turn", pages: 1 }) }, "More")] : []);
    refill(tiles, shown.tiles.map((t) => h("button", { class: `sb-tile sb-${kind(t)}`, "data-key": `tile ${t.number}`, title: spoken(t),
      "aria-label": `${spoken(t)}: show it on the maps`, onclick: () => ask({ do: "look", number: t.number }) }, thumb(t))));
    const l = shown.looked;
    refill(seen, l ? [h("div", {}, h("h5", {}, "looked at"), h("figure", { class: "sb-tile", role: "img", "aria-label": spoken(l) }, thumb(l))),
      ...l.near.map((t) => h("div", {}, h("h5", {}, `nearest by ${t.title}`), h("figure", { class: `sb-tile sb-${kind(t)}`, role: "img",
        "aria-label": `${t.title}: ${t.label}, ${t.modality}, ${t.sign === "✓" ? "right" : "wrong"}` }, thumb(t))))]
      : h("p", { class: "sb-help" }, "Point at a mark, or move there by keys, to see its picture and what each method has nearest to it."));
    const pale = (s) => [s.colour, s.spot, s.picked].join();
    for (const m of maps) if (m.t === 1) (pale(last) !== pale(shown) || last === shown || last.moment !== shown.moment ? paint : over)(m);
    next();
  };
  model.on("change:shown", update);
  update();
  const end = themed(() => { sprites = new Map(); maps.forEach(paint); });
  return () => {
    model.off("change:shown", update); end();
    maps.forEach((m) => cancelAnimationFrame(m.frame)); done();
  };
}
export default { render };
