/** The learner's thread: TF.js trains here, so that no robot ever waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMilliseconds } from '../platform/clock.js';
import { createRandom } from '../platform/random.js';
import { selectBackend } from '../policy/backend.js';
import { createLearner } from './learner.js';
import type { FromLearner, LearnerThreadData, ToLearner } from './learnerMessages.js';

/** After an update that the held-out rows stopped, so many more batches are tried without waiting for rows. */
const TRIES_AT_ONCE = 8;
/** Wall milliseconds between two turns for fresh rows that are fewer than a batch asks for. */
const HURRY_MILLISECONDS = 50;

const data = workerData as LearnerThreadData;
const port = parentPort;
if (!port) throw new Error('learnerThread runs in a worker only');
const tell = (message: FromLearner): void => port.postMessage(message);

try {
  const backend = await selectBackend({ force: data.force });
  const learner = createLearner({ tf: backend.tf, random: createRandom(data.seed), weights: data.weights });
  const epoch = new Int32Array(data.published.epoch);
  const published = new Float32Array(data.published.weights);
  let turnDue = false;
  let hurrying = false;
  let turnedAt = 0;
  let generation = 0;
  let stopped = 0;

  const turn = (): void => {
    turnDue = false;
    const update = learner.turn();
    if (!update) return;
    turnedAt = monotonicMilliseconds();
    const { weights, ...report } = update;
    if (weights) {
      Atomics.add(epoch, 0, 1);
      published.set(weights);
      Atomics.add(epoch, 0, 1);
    }
    tell({ kind: 'update', update: report, served: weights !== null, generation });
    stopped = update.rejectedBy === 'heldOut' ? stopped + 1 : 0;
    if (stopped === 0) return;
    learner.again();
    if (stopped <= TRIES_AT_ONCE) turnSoon();
  };
  /** One turn after all messages that are already here: rows that came together are learnt together. */
  const turnSoon = (): void => {
    if (!turnDue) setImmediate(turn);
    turnDue = true;
  };
  /** Who reports a route should not wait for the rows of the next one. */
  const hurry = (): void => {
    if (hurrying) return;
    hurrying = true;
    const restMilliseconds = Math.max(0, turnedAt + HURRY_MILLISECONDS - monotonicMilliseconds());
    setTimeout(() => {
      hurrying = false;
      learner.hurry();
      turnSoon();
    }, restMilliseconds);
  };

  port.on('message', (message: ToLearner) => {
    if (message.kind === 'rows') {
      learner.offer(message.batch);
      hurry();
    } else if (message.kind === 'correct') learner.correct(message.correction);
    else if (message.kind === 'tick') {
      learner.tick();
      tell({ kind: 'alive' });
    } else {
      learner.reset(message.weights, message);
      ({ generation } = message);
    }
    turnSoon();
  });
  tell({ kind: 'ready', backend: backend.name });
} catch (error) {
  tell({ kind: 'failed', detail: error instanceof Error ? error.message : String(error) });
}
