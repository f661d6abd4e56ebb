// Animations under the divider: both files frame by frame, in step by their own times.
import { $, calm } from "./dom.js";
import { words } from "./words.js";

const SIDES = ["original", "result"];
const USUAL = 100; // ms, of frames that say nothing
const LATE = 500; // ms behind, after which the clock is set back: the page was hidden

export class Film {
  constructor(stage) {
    this.stage = stage;
    this.round = 0; // each play, and each rest, ends the one before
    this.playing = false;
    this.decoders = null;
  }

  // Original and result as blobs; null: no animation any more.
  async show(blobs) {
    this.rest();
    this.decoders?.forEach((one) => one.close());
    this.decoders = null;
    $("play").hidden = true;
    if (!blobs || !("ImageDecoder" in window)) return;
    const { round } = this;
    const decoders = await Promise.all(blobs.map(opened)).catch(() => null);
    if (!decoders || round !== this.round) return decoders?.forEach((one) => one.close());
    this.decoders = decoders;
    $("play").hidden = false;
    if (!calm()) this.play();
  }

  toggle() {
    if (!this.decoders) return false;
    return this.playing ? this.stop() : this.play();
  }

  stop() {
    this.round++;
    this.playing = false;
    this.say();
  }

  // Back to the stills, which are the first frames.
  rest() {
    this.stop();
    for (const name of SIDES) this.stage.frame(name, null);
  }

  play() {
    const round = ++this.round;
    this.playing = true;
    this.say();
    const clock = { start: performance.now() };
    SIDES.forEach((name, i) => this.run(round, clock, this.decoders[i], name));
  }

  async run(round, clock, decoder, name) {
    const { frameCount } = decoder.tracks.selectedTrack;
    let due = 0;
    try {
      for (let at = 0; ; at = (at + 1) % frameCount) {
        const { image } = await decoder.decode({ frameIndex: at });
        const wait = clock.start + due - performance.now();
        if (wait < -LATE) clock.start -= wait;
        await rest(Math.max(0, wait));
        while (round === this.round && !this.stage.canvas.clientWidth) await rest(LATE); // another view is shown
        if (round !== this.round) return image.close();
        this.stage.frame(name, image);
        due += image.duration / 1000 || USUAL;
      }
    } catch {
      if (round === this.round) this.stop(); // a frame that the browser can't read
    }
  }

  say() {
    const button = $("play");
    button.textContent = this.playing ? "❚❚" : "▶";
    button.title = this.playing ? words.pause : words.play;
    button.setAttribute("aria-label", button.title);
  }
}

const rest = (time) => new Promise((go) => setTimeout(go, time));

async function opened(blob) {
  const decoder = new ImageDecoder({ data: await blob.arrayBuffer(), type: blob.type });
  await decoder.tracks.ready;
  await decoder.completed;
  return decoder;
}
