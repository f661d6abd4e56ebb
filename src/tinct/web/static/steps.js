// K-means as half-steps, assign and move in turn, each with what just happened.
import { words } from "./words.js";

// The nearest center of each point; points are flat, d numbers each.
export function nearest(points, d, centers) {
  const n = points.length / d;
  const labels = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    let best = 0;
    let least = Infinity;
    for (let c = 0; c < centers.length; c++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += (points[i * d + j] - centers[c][j]) ** 2;
      if (sum < least) [best, least] = [c, sum];
    }
    labels[i] = best;
  }
  return labels;
}

export function inertia(points, d, centers, labels) {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    for (let j = 0; j < d; j++) sum += (points[i * d + j] - centers[labels[i]][j]) ** 2;
  }
  return sum;
}

const distance = (a, b) => Math.hypot(...a.map((v, j) => v - b[j]));

// `whole`: whether the points are all there are, not a sample; only then inertia is known between two assignments.
export class Run {
  constructor(points, d, answer, whole = true) {
    Object.assign(this, { points, d, answer, whole });
    this.states = [{ kind: "start", centers: answer.history[0].centers }];
    answer.history.forEach((step, i) => {
      this.states.push({ kind: "assign", i, centers: step.centers, inertia: step.inertia });
      const next = answer.history[i + 1]?.centers ?? answer.centers;
      const rests = step.centers.every((c, k) => distance(c, next[k]) < 1e-9);
      if (!rests || i + 1 < answer.history.length) this.states.push({ kind: "move", i, centers: next, from: step.centers });
    });
    this.last = this.states.length - 1;
  }

  labels(at) {
    const state = this.states[Math.min(at, this.last)];
    if (state.kind === "start") return null;
    state.labels ??= state.kind === "move" ? this.labels(at - 1) : nearest(this.points, this.d, state.centers);
    return state.labels;
  }

  inertia(at) {
    const state = this.states[Math.min(at, this.last)];
    if (state.inertia === undefined && this.whole && state.kind === "move") {
      state.inertia = inertia(this.points, this.d, state.centers, this.labels(at));
    }
    return state.inertia ?? null;
  }

  sentence(at) {
    at = Math.min(at, this.last);
    const state = this.states[at];
    const say = words.sentence;
    if (state.kind === "start") return say.start(state.centers.length);
    const labels = this.labels(at);
    const end = at === this.last ? ` ${this.answer.converged ? say.resting(this.answer.iterations) : say.stopped(this.answer.iterations)}` : "";
    if (state.kind === "move") {
      const moves = state.centers.map((c, k) => distance(c, state.from[k]));
      const far = moves.indexOf(Math.max(...moves));
      return say.move(far + 1, moves[far], labels.reduce((n, l) => n + (l === far), 0), this.whole) + end;
    }
    if (state.i === 0) return say.first(labels.length) + end;
    const before = this.labels(at - 1);
    const changed = labels.reduce((n, l, i) => n + (l !== before[i]), 0);
    return changed === 0 && at === this.last && this.whole ? say.converged(this.answer.iterations) : say.assign(changed, this.whole) + end;
  }
}
