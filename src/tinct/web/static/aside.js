// What the worker does for the page, as promises.

const worker = new Worker("/painter.js");
const waiting = new Map();
let count = 0;

worker.onmessage = ({ data: { id, done, error } }) => {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (error) return reject(new Error(error));
  Object.assign(done.bitmap, { small: done.small, indices: done.indices, shares: done.shares });
  resolve(done.bitmap);
};

// Jobs: decode {blob, drawing}, paint {indices, width, height, palette}, mask {..., chosen}.
export function aside(job, what) {
  return new Promise((resolve, reject) => {
    waiting.set(++count, { resolve, reject });
    worker.postMessage({ id: count, job, what });
  });
}
