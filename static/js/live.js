// Keeps a run's page up to date: websocket first, polling while it is away. Points carry a number, so none is lost
// or drawn twice: whatever happened, the page asks for everything after the last one it has.
(() => {
  "use strict";
  const POLL = 3000, SILENCE = 15000, SPEAK = 10000, LONGEST_WAIT = 15000;
  const root = document.getElementById("live");
  if (!root) return;
  const first = JSON.parse(document.getElementById("run-data").textContent);
  const badge = document.getElementById("live-badge");
  const charts = window.agentgymCharts(Number(root.dataset.target));
  let seq = 0, attempt = first.attempt, socket = null, wait = 1000, heard = Date.now(), spoken = 0, busy = false, polls = false, timer = 0;

  const status = () => document.getElementById("run-status");
  const active = () => status().dataset.active === "yes";

  function show(word, css) {
    badge.hidden = !word;
    badge.className = `tag ${css}`;
    badge.innerHTML = '<span class="live-dot" aria-hidden="true"></span>';
    badge.append(word);
  }

  const lose = () => active() && show(polls ? "Polling" : "Reconnecting", "tag-warn");

  function take(points) {
    const fresh = points.filter((point) => point.seq > seq);
    charts.add(fresh);
    seq = fresh.at(-1)?.seq ?? seq;
    Object.assign(root.dataset, { seq, drawn: charts.data.episodes.length });
  }

  function startOver(newAttempt) {
    // Another worker took the run over and began again: the old attempt's points are gone.
    attempt = newAttempt;
    seq = 0;
    charts.reset();
  }

  function put(id, html) {
    Idiomorph.morph(document.getElementById(id), html, { morphStyle: "outerHTML" });
    if (id !== "run-status") return;
    if (Number(status().dataset.attempt) !== attempt) {
      startOver(Number(status().dataset.attempt));
      socket?.close();
    }
    if (Date.now() - spoken > SPEAK || !active()) {
      spoken = Date.now();
      document.getElementById("announcer").textContent = status().dataset.summary;
    }
    if (!active()) finish();
  }

  async function poll() {
    if (busy) return;
    busy = true;
    try {
      let more = true;
      while (more) {
        const response = await fetch(`${root.dataset.points}?since=${seq}`, { headers: { Accept: "application/json" } });
        if (!response.ok || response.redirected) throw new Error(`HTTP ${response.status}`);
        const answer = await response.json();
        if (answer.attempt !== attempt) { startOver(answer.attempt); continue; }
        take(answer.points);
        more = answer.more;
      }
      for (const [part, id] of [["status", "run-status"], ["episode", "current-episode"]]) {
        const response = await fetch(`${root.dataset.fragments}?part=${part}`);
        if (response.ok && !response.redirected) put(id, await response.text());
      }
      heard = Date.now();
      polls = true;
    } catch {
      polls = false;
    }
    if (socket?.readyState !== WebSocket.OPEN) lose();
    busy = false;
  }

  function connect() {
    clearTimeout(timer);
    if (!active() || (socket && socket.readyState <= WebSocket.OPEN)) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}${root.dataset.socket}?since=${seq}&attempt=${attempt}`);
    socket.onmessage = (event) => {
      heard = Date.now();
      wait = 1000;
      polls = false;
      if (active()) show("Live", "tag-good");
      const frame = JSON.parse(event.data);
      if (frame.type === "points") {
        if (frame.attempt !== attempt) startOver(frame.attempt);
        take(frame.points);
      }
      if (frame.type === "status") put("run-status", frame.html);
      if (frame.type === "episode") put("current-episode", frame.html);
    };
    socket.onclose = (event) => {
      if (event.code === 4401) location.reload();
      if (event.code === 4404 || !active()) return;
      lose();
      timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
      wait = Math.min(LONGEST_WAIT, wait * 2);
    };
  }

  function finish() {
    if (root.dataset.ended) return;
    root.dataset.ended = "yes";
    show("", "");
    clearInterval(clock);
    setTimeout(() => { socket?.close(); poll(); }, 500);
  }

  const clock = setInterval(() => {
    const lost = socket?.readyState !== WebSocket.OPEN;
    if (lost ? Date.now() - heard > POLL : Date.now() - heard > SILENCE) poll();
  }, POLL);

  const { seq: numbers, episodes, seconds, ...values } = first.columns;
  const valuesAt = (index) => Object.fromEntries(Object.entries(values).map(([name, column]) => [name, column[index]]));
  take(numbers.map((seq, index) => ({ seq, episodes: episodes[index], seconds: seconds[index], values: valuesAt(index) })));
  charts.mark(first.marks);
  if (active()) connect(); else root.dataset.ended = "yes";
  window.addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) connect(); });
})();
