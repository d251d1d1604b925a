// The pad draws by itself; Python hears of a stroke once, when the pen is lifted.
const SIDE = 300;

function tile(photo, key, press) {
  const sign = photo.sign === "✓" ? "hit" : photo.sign === "✗" ? "miss" : "plain";
  const words = [photo.sign, photo.label].filter(Boolean).join(" ");
  const spoken = `${photo.sign === "✓" ? "right" : photo.sign === "✗" ? "wrong" : ""} ${photo.label}` +
    (photo.distance === undefined ? "" : `, distance ${photo.distance}`);
  const inside = [h("img", { src: photo.url, alt: "", draggable: "false" }), h("span", {}, words)];
  return press
    ? h("button", { class: `sb-tile sb-${sign}`, "data-key": key, "aria-label": `${spoken}: show its neighbours`,
        title: spoken, onclick: press }, inside)
    : h("figure", { class: `sb-tile sb-${sign}`, role: "img", "aria-label": spoken, title: spoken }, inside);
}

function render({ model, el }) {
  const { root, said: message, send, answered, done } = frame(model, el, "sketchpad", () => next());
  let tool = "pen", width = 0.024, live = null, finger = null, cursor = null, down = false, glow = -1, number = 0, typed = "";
  let waiting = null, queue = [], pending = [];  // one question at a time; strokes that Python has not answered stay painted
  const ask = (what) => { if (waiting) queue.push(what); else { waiting = what; send(what); } };
  const next = () => { waiting = null; const one = queue.shift(); if (one) ask(one); return one; };

  const canvas = h("canvas", { class: "sb-pad", tabindex: "0", role: "application", "aria-label": "Sketch pad",
    "aria-describedby": "sb-pad-help" });
  const g = crisp(canvas, SIDE, SIDE);
  const picture = new Image();
  picture.onload = () => paint();

  const line = (points, thick, colour) => {
    g.strokeStyle = g.fillStyle = colour; g.lineWidth = thick * SIDE; g.lineCap = g.lineJoin = "round";
    g.beginPath();
    points.forEach(([x, y], i) => g[i ? "lineTo" : "moveTo"](x * SIDE, y * SIDE));
    if (points.length === 1) g.lineTo(points[0][0] * SIDE + 0.01, points[0][1] * SIDE);
    g.stroke();
  };
  const paint = () => {
    g.fillStyle = "#fff"; g.fillRect(0, 0, SIDE, SIDE);
    const shown = model.get("shown");
    if (shown.example && picture.complete) { g.imageSmoothingQuality = "high"; g.drawImage(picture, 0, 0, SIDE, SIDE); }
    shown.strokes.forEach((s, i) => line(s.points, s.width, i === glow ? "#d55e00" : "#1a1a1a"));
    pending.forEach((s) => line(s.points, s.width, "#1a1a1a"));
    if (!shown.strokes.length && !shown.example && !pending.length && !live) {
      g.fillStyle = "#6b6b6b"; g.font = "15px sans-serif"; g.textAlign = "center";
      g.fillText("draw here", SIDE / 2, SIDE / 2);
    }
    if (live) line(live, width, "#1a1a1a");
    if (cursor && document.activeElement === canvas) {
      const [x, y] = [cursor[0] * SIDE, cursor[1] * SIDE];
      g.strokeStyle = down ? "#d55e00" : "#0072b2"; g.lineWidth = 2; g.beginPath();
      g.moveTo(x - 9, y); g.lineTo(x + 9, y); g.moveTo(x, y - 9); g.lineTo(x, y + 9); g.stroke();
    }
  };
  const at = (e) => {
    const r = canvas.getBoundingClientRect();
    return [(e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height].map((v) => Math.min(1, Math.max(0, +v.toFixed(4))));
  };
  const nearest = ([x, y]) => {
    let best = -1, least = 0.06;
    model.get("shown").strokes.forEach((s, i) => s.points.forEach(([a, b], j) => {
      const [c, d] = s.points[Math.max(0, j - 1)], n = Math.max(1, Math.ceil(Math.hypot(a - c, b - d) / 0.02));
      for (let t = 0; t <= n; t++) {
        const away = Math.hypot(c + (a - c) * t / n - x, d + (b - d) * t / n - y);
        if (away < least) { least = away; best = i; }
      }
    }));
    return best;
  };
  const finish = () => {
    down = false;
    if (live) { const stroke = { do: "draw", points: live, width }; live = null; pending.push(stroke); ask(stroke); }
  };
  // Of how many strokes: after a change the same number may mean another one.
  const rub = (i) => { if (i >= 0) ask({ do: "erase", index: i, of: model.get("shown").strokes.length + pending.length }); };
  const other = (e) => live && !down && e.pointerId !== finger;  // a palm, or a second finger

  canvas.onpointerdown = (e) => {
    if (e.button || other(e)) return;
    e.preventDefault(); if (down) finish();
    canvas.focus({ preventScroll: true }); canvas.setPointerCapture(e.pointerId); cursor = null;
    if (tool === "erase") rub(nearest(at(e)));
    else { finger = e.pointerId; live = [at(e)]; paint(); }
  };
  canvas.onpointermove = (e) => {
    if (other(e)) return;
    if (live && !down) { for (const one of e.getCoalescedEvents?.() ?? [e]) live.push(at(one)); paint(); }
    else if (tool === "erase") { glow = nearest(at(e)); paint(); }
  };
  canvas.onpointerup = canvas.onpointercancel = (e) => { if (!down && !other(e)) finish(); };
  canvas.onpointerleave = () => { if (glow >= 0) { glow = -1; paint(); } };
  canvas.onfocus = canvas.onblur = () => { if (down) finish(); paint(); };
  canvas.onkeydown = (e) => {
    const far = e.shiftKey ? 0.1 : 0.025;
    const way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[e.key];
    cursor ??= [0.5, 0.5];
    if (way) {
      cursor = cursor.map((v, i) => Math.min(1, Math.max(0, +(v + way[i]).toFixed(4))));
      if (down) live.push(cursor);
    } else if (e.key === " " || e.key === "Enter") {
      if (down) finish(); else { down = true; live = [cursor]; }
      message.textContent = down ? "pen down" : "pen up";
    } else if (e.key === "Escape" && down) { down = false; live = null; }
    else if (e.key === "Delete" || e.key === "Backspace") rub(nearest(cursor));
    else if ((e.key === "z" && (e.ctrlKey || e.metaKey)) || e.key === "u") ask({ do: "undo" });
    else return;
    e.preventDefault(); e.stopPropagation(); paint();
  };

  const undo = h("button", { onclick: () => ask({ do: "undo" }), title: "Undo (u)" }, "Undo");
  const erase = h("button", { "aria-pressed": "false", title: "Click on a stroke to take it away", onclick: () => {
    tool = tool === "pen" ? "erase" : "pen"; erase.setAttribute("aria-pressed", tool === "erase");
    canvas.classList.toggle("sb-erasing", tool === "erase"); } }, "Erase");
  const clear = h("button", { onclick: () => ask({ do: "clear" }) }, "Clear");
  const pen = slider("Pen", { min: 0.008, max: 0.08, step: 0.004, value: width, shown: (v) => `${Math.round(v * 1000) / 10} %`,
    change: (v) => { width = v; } });
  const wanted = h("select", { "aria-label": "What it is meant to be", onchange: () => ask({ do: "want", label: wanted.value }) });
  const example = h("button", { onclick: () => ask({ do: "pick", label: wanted.value, number: number++ }) }, "Someone's sketch");
  const gallery = h("select", { "aria-label": "Gallery", onchange: () => ask({ do: "look_in", gallery: gallery.value }) });
  const words = h("input", { type: "text", maxlength: "200", placeholder: "or in words", "aria-label": "Ask in words" });
  const by = h("select", { "aria-label": "Ask with" }, ["sketch", "words", "both"].map((v) => h("option", { value: v }, v)));
  const speak = () => { typed = words.value; ask({ do: "say", words: typed, ask: by.value }); };
  words.onkeydown = (e) => { e.stopPropagation(); if (e.key === "Enter") { if (by.value === "sketch") by.value = "words"; speak(); } };
  by.onchange = speak;
  const worded = h("label", { class: "sb-row" }, words, by);
  const apart = h("button", { onclick: () => ask({ do: "take_apart" }),
    title: "The rank of the first right photo, without each stroke in turn" }, "Without each stroke");
  const seen = h("img", { class: "sb-seen", alt: "The sketch as the methods see it" });
  const parts = h("div", { class: "sb-parts" }), answers = h("div", { class: "sb-answers" }), focus = h("div", { class: "sb-focus" });

  root.append(h("div", { class: "sb-left" }, canvas,
    h("p", { id: "sb-pad-help", class: "sb-help" },
      "Mouse, pen or finger. Keys: arrows move (Shift: far), Space lowers and lifts the pen, Delete erases, u undoes."),
    h("div", { class: "sb-row" }, undo, erase, clear, apart), pen,
    h("label", { class: "sb-row" }, h("span", {}, "It is meant to be"), wanted),
    h("div", { class: "sb-row" }, example, h("label", {}, "in ", gallery)), worded,
    h("div", { class: "sb-row sb-as" }, seen, message), parts),
    h("div", { class: "sb-right" }, answers, focus));

  const close = (what) => h("button", { class: "sb-close", "aria-label": "Close", onclick: () => ask({ do: "close", what }) }, "×");
  const answer = (a) => h("article", { class: "sb-answer", "aria-label": a.name },
    h("header", {}, h("h4", {}, a.name), h("span", {}, [a.line, a.photos.length ? `${a.ms} ms` : ""].filter(Boolean).join(" · ")),
      a.photos.length && a.metrics.length ? h("button", { "data-key": `why ${a.name}`, onclick: () => ask({ do: "explain", name: a.name }) }, "Why?") : null),
    a.problem ? h("p", { class: "sb-problem" }, a.problem) : null,
    h("div", { class: "sb-strip" }, a.photos.map((p, i) => tile(p, `${a.name} ${i}`, () => ask({ do: "neighbours", name: a.name, row: p.row })))),
    a.why.length ? h("div", { class: "sb-why" }, close("why"), h("ul", {}, a.why.map((s) => h("li", {}, s)))) : null);
  const table = (list) => {
    const measured = list.filter((a) => a.metrics.length);
    return measured.length ? h("details", { "data-key": "metrics" }, h("summary", {}, "This query under every variant"),
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "metric"), measured.map((a) => h("th", { scope: "col" }, a.name)))),
        h("tbody", {}, measured[0].metrics.map(([name], i) => h("tr", {}, h("th", { scope: "row" }, name),
          measured.map((a) => h("td", {}, a.metrics[i][1].toFixed(3)))))))) : null;
  };
  const update = () => {
    const s = model.get("shown");
    answered(s.answers.map((a) => `${a.name}: ${a.problem ? "no answer" : a.line || `first ${a.photos[0]?.label}`}`).join("; "));
    pending = pending.filter((stroke) => stroke !== waiting);
    if (!next()) pending = [];
    if (s.example && picture.src !== s.example) picture.src = s.example;
    able(undo, s.can_undo);
    able(apart, s.strokes.length > 1 && s.wanted && s.ask !== "words");
    options(wanted, ["", ...s.classes, ...(s.wanted && !s.classes.includes(s.wanted) ? [s.wanted] : [])], s.wanted, (n) => n ? said(n) : "(not said)");
    options(gallery, s.galleries, s.gallery, (n) => ({ unseen: "unseen classes", seen: "seen classes", both: "both (generalised)" })[n] ?? n);
    worded.hidden = !s.reads;
    if (words.value === typed) words.value = s.words;  // what was not handed over yet stays
    typed = s.words; by.value = s.ask;
    seen.hidden = !s.seen_as; if (s.seen_as) seen.src = s.seen_as;
    refill(answers, s.answers.map(answer), table(s.answers));
    refill(focus, s.focus.of ? [close("focus"), h("h4", {}, `Around this ${s.focus.of.label}, by ${s.focus.name}`),
      h("div", { class: "sb-around" }, tile(s.focus.of, "of"), ["photo", "sketch"].filter((m) => s.focus[m]).map((m) => h("div", {}, h("h5", {}, m === "photo" ? "nearest photos" : "nearest sketches"),
        h("div", { class: "sb-strip" }, s.focus[m].map((p) => tile(p, ""))))))] : []);
    refill(parts, s.without.length ? [close("without"), h("table", {},
      h("caption", {}, "Rank of the first right photo, each stroke taken away in turn"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "without"), s.without.map((w) => h("th", { scope: "col" }, w.name)))),
      h("tbody", {}, h("tr", {}, h("th", { scope: "row" }, "nothing"), s.without.map((w) => h("td", {}, w.now))),
        s.without[0].ranks.map((_, i) => h("tr", { onpointerenter: () => { glow = i; paint(); }, onpointerleave: () => { glow = -1; paint(); } },
          h("th", { scope: "row" }, h("button", { "data-key": `part ${i}`, onfocus: () => { glow = i; paint(); }, onblur: () => { glow = -1; paint(); },
            onclick: () => rub(i), title: "Take it away for good" }, `stroke ${i + 1}`)),
          s.without.map((w) => { const d = w.ranks[i] - w.now; return h("td", {}, `${w.ranks[i]} ${d > 0 ? "▼" : d < 0 ? "▲" : ""}`); })))))] : []);
    paint();
  };
  model.on("change:shown", update);
  update();
  return () => { model.off("change:shown", update); done(); };
}
export default { render };
