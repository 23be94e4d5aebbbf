import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { parseJson } from '../platform/parseJson.js';
import { gateWeights } from '../policy/gates.js';

/** A version's directory: TF.js's own layers format, and what is known of it beside. */
export const MODEL_FILE = 'model.json';
export const WEIGHTS_FILE = 'weights.bin';
export const MANIFEST_FILE = 'manifest.json';

/**
 * The network that all versions of a registry share: dense layers in sequence. `layerSizes` begins
 * with the inputs; `activations` has one TF.js name for each layer after them; `features` names the inputs.
 */
export interface PolicyShape {
  readonly layerSizes: readonly number[];
  readonly activations: readonly string[];
  readonly features: readonly string[];
}

const ManifestField = Type.Object(
  {
    policyVersion: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' }),
    parent: Type.Union([Type.String({ maxLength: 128 }), Type.Null()]),
    savedAt: Type.Integer({ minimum: 0 }),
    reason: Type.Union([
      Type.Literal('shipped'),
      Type.Literal('interval'),
      Type.Literal('activation'),
      Type.Literal('stop'),
      Type.Literal('request'),
      Type.Literal('drill'),
    ]),
    updates: Type.Integer({ minimum: 0 }),
    trainedOn: Type.Union([
      Type.Object({ from: Type.Integer({ minimum: 0 }), to: Type.Integer({ minimum: 0 }) }),
      Type.Null(),
    ]),
    metrics: Type.Record(Type.String(), Type.Number()),
    checksum: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    layerSizes: Type.Array(Type.Integer({ minimum: 1 })),
    activations: Type.Array(Type.String()),
    features: Type.Array(Type.String()),
  },
  { additionalProperties: false },
);
/** `checksum` is the SHA-256 of weights.bin; `trainedOn` the range of journal sequences behind the weights. */
export type PolicyManifest = Static<typeof ManifestField>;
const manifestValidator = Compile(ManifestField);

export type Parsed<T> =
  { readonly kind: 'valid'; readonly value: T } | { readonly kind: 'fault'; readonly detail: string };
const fault = (detail: string) => ({ kind: 'fault', detail }) as const;

export function checksumOf(weights: Uint8Array): string {
  return createHash('sha256').update(weights).digest('hex');
}

/** Kernel [in, out] and bias [out] of each layer, in the order in which they stand in weights.bin. */
function weightSpecs({ layerSizes }: PolicyShape) {
  return layerSizes.slice(1).flatMap((outputs, index) => {
    const name = `dense_${index + 1}`;
    return [
      { name: `${name}/kernel`, shape: [layerSizes[index] ?? 0, outputs], dtype: 'float32' },
      { name: `${name}/bias`, shape: [outputs], dtype: 'float32' },
    ];
  });
}

export function weightCountOf(shape: PolicyShape): number {
  return weightSpecs(shape).reduce(
    (sum, spec) => sum + spec.shape.reduce((size, length) => size * length),
    0,
  );
}

/** The topology and the weights manifest, as `tf.loadLayersModel` reads them (TF.js 4.22, layers-model). */
export function modelJson(shape: PolicyShape) {
  const layers = shape.layerSizes.slice(1).map((units, index) => ({
    class_name: 'Dense',
    config: {
      name: `dense_${index + 1}`,
      ...(index === 0 ? { batch_input_shape: [null, shape.layerSizes[0] ?? 0] } : {}),
      ...{
        units,
        activation: shape.activations[index] ?? 'linear',
        use_bias: true,
        dtype: 'float32',
        trainable: true,
      },
    },
  }));
  return {
    format: 'layers-model',
    generatedBy: 'aisleflow',
    convertedBy: null,
    modelTopology: {
      class_name: 'Sequential',
      config: { name: 'policy', layers },
      keras_version: 'tfjs-layers 4.22.0',
      backend: 'tensor_flow.js',
    },
    weightsManifest: [{ paths: [WEIGHTS_FILE], weights: weightSpecs(shape) }],
  };
}

/** Little-endian, like every machine that TF.js runs on. */
export function bytesOfWeights(weights: Float32Array): Uint8Array {
  return new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength).slice();
}

export function parseManifest(
  text: string,
  policyVersion: string,
  shape: PolicyShape,
): Parsed<PolicyManifest> {
  const content = parseJson(text);
  if (!manifestValidator.Check(content)) {
    const [error] = manifestValidator.Errors(content);
    return fault(
      `${MANIFEST_FILE} ${error === undefined ? 'is no JSON' : `${error.instancePath} ${error.message}`}`,
    );
  }
  if (content.policyVersion !== policyVersion)
    return fault(`${MANIFEST_FILE} is that of ${content.policyVersion}`);
  for (const field of ['layerSizes', 'activations', 'features'] as const) {
    if (!isDeepStrictEqual(content[field], [...shape[field]])) {
      return fault(
        `its ${field} are ${content[field].join(', ')}; this program works with ${shape[field].join(', ')}`,
      );
    }
  }
  return { kind: 'valid', value: content };
}

/** What is wrong with a model.json for this shape; null if nothing. Layers may have other names. */
export function modelFault(text: string, shape: PolicyShape): string | null {
  const content = parseJson(text) as Partial<ReturnType<typeof modelJson>> | null | undefined;
  const shapes = content?.weightsManifest?.flatMap(({ weights }) => weights.map((weight) => weight.shape));
  const expected = weightSpecs(shape).map((spec) => spec.shape);
  return isDeepStrictEqual(shapes, expected)
    ? null
    : `${MODEL_FILE} does not describe layers of ${shape.layerSizes.join(', ')}`;
}

export function parseWeights(bytes: Uint8Array, checksum: string, shape: PolicyShape): Parsed<Float32Array> {
  const wanted = weightCountOf(shape) * 4;
  if (bytes.byteLength !== wanted)
    return fault(`${WEIGHTS_FILE} has ${bytes.byteLength} bytes, not ${wanted}`);
  if (checksumOf(bytes) !== checksum) return fault(`${WEIGHTS_FILE} does not match its checksum`);
  const value = new Float32Array(bytes.slice().buffer);
  const detail = weightFault(value);
  return detail === null ? { kind: 'valid', value } : fault(detail);
}

/** The first weight that is not finite or out of bounds, in words; null if there is none. */
export function weightFault(weights: Float32Array): string | null {
  const broken = weights.findIndex((_weight, i) => gateWeights(weights.subarray(i, i + 1)) !== null);
  return broken < 0 ? null : `weight ${broken} is ${weights[broken]}`;
}
