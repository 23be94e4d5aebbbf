import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs';
import { FEATURE_COUNT } from '../traffic/traffic.js';
import type { TensorFlow } from '../policy/backend.js';
import { HEAD_COUNT, LAYER_SIZES, WEIGHT_COUNT } from '../policy/network.js';
import { HYPERPARAMETERS } from './hyperparameters.js';
import { ROW_SIZE, ROW_WAIT } from './row.js';

export interface StepReport {
  /** Mean Huber loss of the batch before the step, seconds squared (half) near zero. */
  readonly loss: number;
  readonly gradientNorm: number;
}

/** One network and its Adam state in TF.js. Weights are set in place; nothing is left behind by a step. */
export interface Trainer {
  /** One Adam step on rows [n][ROW_SIZE]. A step with a loss or gradient that is not finite changes nothing. */
  step(rows: Float32Array): StepReport;
  /** Flat copy [WEIGHT_COUNT] of the weights. */
  weights(): Float32Array;
  /** Sets weights in place and forgets Adam's state. */
  reset(weights: Float32Array): void;
  /** [n][HEAD_COUNT] predictions by TF.js itself, for tests that hold the serving forward pass to it. */
  predict(features: Float32Array): Float32Array;
  dispose(): void;
}

export function createTrainer(tf: TensorFlow, initial: Float32Array): Trainer {
  const variables = createVariables(tf);
  let optimizer = tf.train.adam(HYPERPARAMETERS.learningRate);
  assign(tf, variables, initial);

  const forward = (features: Tensor2D): Tensor2D => {
    let layer: Tensor = features;
    for (let i = 0; i < variables.length; i += 2) {
      const linear: Tensor = tf.add(
        tf.matMul(layer as Tensor2D, variables[i] as Variable & Tensor2D),
        variables[i + 1]!,
      );
      layer = i + 2 < variables.length ? tf.relu(linear) : tf.softplus(linear);
    }
    return layer as Tensor2D;
  };

  return {
    step(rows) {
      const count = rows.length / ROW_SIZE;
      const batch = splitRows(rows, count);
      return tf.tidy(() => {
        const features = tf.tensor2d(batch.features, [count, FEATURE_COUNT]);
        const labels = tf.tensor2d(batch.labels, [count, HEAD_COUNT]);
        const mask = tf.tensor2d(batch.mask, [count, HEAD_COUNT]);
        const { value, grads } = tf.variableGrads(
          () => tf.div(tf.sum(tf.mul(huber(tf, tf.sub(forward(features), labels)), mask)), count),
          variables,
        );
        const loss = value.dataSync()[0]!;
        const squares = variables.map((variable) => tf.sum(tf.square(grads[variable.name]!)));
        const gradientNorm = Math.sqrt(tf.addN(squares).dataSync()[0]!);
        if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) {
          const scale = Math.min(1, HYPERPARAMETERS.gradientNormLimit / gradientNorm);
          if (scale < 1) for (const name of Object.keys(grads)) grads[name] = tf.mul(grads[name]!, scale);
          optimizer.applyGradients(grads as Record<string, Variable>);
        }
        return { loss, gradientNorm };
      });
    },
    weights() {
      const flat = new Float32Array(WEIGHT_COUNT);
      let at = 0;
      for (const variable of variables) {
        flat.set(variable.dataSync(), at);
        at += variable.size;
      }
      return flat;
    },
    reset(weights) {
      assign(tf, variables, weights);
      optimizer.dispose();
      optimizer = tf.train.adam(HYPERPARAMETERS.learningRate);
    },
    predict(features) {
      return tf.tidy(
        () =>
          forward(
            tf.tensor2d(features, [features.length / FEATURE_COUNT, FEATURE_COUNT]),
          ).dataSync() as Float32Array,
      );
    },
    dispose() {
      optimizer.dispose();
      for (const variable of variables) variable.dispose();
    },
  };
}

function createVariables(tf: TensorFlow): Variable[] {
  const variables: Variable[] = [];
  for (let layer = 1; layer < LAYER_SIZES.length; layer++) {
    const inputs = LAYER_SIZES[layer - 1]!;
    const outputs = LAYER_SIZES[layer]!;
    // A variable outlives the tidy; the zeros that it was made of do not.
    tf.tidy(() => {
      variables.push(tf.variable(tf.zeros([inputs, outputs])), tf.variable(tf.zeros([outputs])));
    });
  }
  return variables;
}

function assign(tf: TensorFlow, variables: readonly Variable[], weights: Float32Array): void {
  let at = 0;
  for (const variable of variables) {
    const part = weights.slice(at, at + variable.size);
    tf.tidy(() => variable.assign(tf.tensor(part, variable.shape)));
    at += variable.size;
  }
}

/** Huber 1964: quadratic up to a few seconds, linear beyond, so that one jam does not drown the rest. */
function huber(tf: TensorFlow, error: Tensor): Tensor {
  const size = tf.abs(error);
  const quadratic = tf.minimum(size, HYPERPARAMETERS.huberSeconds);
  return tf.add(
    tf.mul(0.5, tf.square(quadratic)),
    tf.mul(HYPERPARAMETERS.huberSeconds, tf.sub(size, quadratic)),
  );
}

function splitRows(rows: Float32Array, count: number) {
  const features = new Float32Array(count * FEATURE_COUNT);
  const labels = new Float32Array(count * HEAD_COUNT);
  const mask = new Float32Array(count * HEAD_COUNT);
  for (let i = 0; i < count; i++) {
    const row = i * ROW_SIZE;
    features.set(rows.subarray(row, row + FEATURE_COUNT), i * FEATURE_COUNT);
    labels[i * HEAD_COUNT] = rows[row + ROW_WAIT]!;
    labels[i * HEAD_COUNT + 1] = rows[row + ROW_WAIT + 1]!;
    mask[i * HEAD_COUNT] = 1;
    mask[i * HEAD_COUNT + 1] = rows[row + ROW_WAIT + 2]!;
  }
  return { features, labels, mask };
}
