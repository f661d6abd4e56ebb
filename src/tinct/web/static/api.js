// The HTTP API: one call, a picture sent once, the latest wish alone.
import { words } from "./words.js";

export class Failed extends Error {
  constructor(text, reason) {
    super(text);
    this.reason = reason;
  }
}

// Sends the picture by the key that the server knows it by, or whole if there is none or it was let go of.
export async function call(path, options, file, signal) {
  for (const known of file && file.key ? [true, false] : [false]) {
    const query = new URLSearchParams(options);
    if (file) query.set("name", file.name);
    if (known) query.set("picture", file.key);
    let answer;
    try {
      answer = await fetch(`${path}?${query}`, { method: "POST", body: known || !file ? undefined : file.blob, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failed(words.noServer, "no server");
    }
    if (answer.status === 410 && known) continue;
    if (!answer.ok) throw await failure(answer);
    const isJson = (answer.headers.get("content-type") ?? "").startsWith("application/json");
    const told = isJson ? await answer.json() : JSON.parse(answer.headers.get("x-tinct-report"));
    if (file) file.key = told.picture_id;
    return { told, answer };
  }
}

// Says now and then how far the request is that was called so, until `done` is aborted.
export async function follow(called, done, say) {
  while (!done.aborted) {
    await new Promise((later) => setTimeout(later, 250));
    const told = await fetch(`/api/progress?of=${called}`, { signal: done }).then((r) => r.json()).catch(() => null);
    if (told?.drawings && !done.aborted) say(told);
  }
}

export async function post(path, body, signal) {
  const answer = await fetch(path, {
    method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" }, signal,
  });
  if (!answer.ok) throw await failure(answer);
  return answer.json();
}

async function failure(answer) {
  const told = await answer.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return {};
  });
  return new Failed(told.error ?? `${answer.status}`, told.reason);
}

// Runs the latest wish: while one is under way newer ones only replace each other. An older one is given up when it
// has taken `patience` ms, so that a drag always shows something and leaves no queue behind.
export class Latest {
  constructor(patience = Infinity) {
    this.patience = patience;
    this.next = null;
    this.running = null;
  }

  ask(work) {
    this.next = work;
    if (!this.running) this.go();
    else if (performance.now() - this.running.since > this.patience) this.running.abort.abort();
  }

  stop() {
    this.next = null;
    this.running?.abort.abort();
  }

  async go() {
    while (this.next) {
      const work = this.next;
      this.next = null;
      this.running = { abort: new AbortController(), since: performance.now() };
      try {
        await work(this.running.abort.signal);
      } catch (error) {
        if (error.name !== "AbortError") console.warn(error);
      }
    }
    this.running = null;
  }
}
