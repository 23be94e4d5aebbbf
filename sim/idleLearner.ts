import type { LearnerPort } from '../src/learning/learnerPort.js';

/** A learner that is given rows and learns nothing. */
export function createIdleLearner(): LearnerPort {
  const nothing = (): void => undefined;
  return {
    ...{ backend: 'none', offer: nothing, correct: nothing, tick: nothing, reset: nothing },
    ...{ onUpdate: nothing, onFailure: nothing, onRestart: nothing, close: () => Promise.resolve() },
  };
}
