import { BACKEND_NAMES, selectBackend } from '../../../src/policy/backend.js';

const nativeMissing = await selectBackend({ force: 'tensorflow' }).then(
  () => '',
  (error: unknown) => String(error),
);

/** Every TF.js backend for `describe.skipIf`: native is skipped where it cannot be loaded, and its title says why. */
export const BACKENDS = BACKEND_NAMES.map((force) => {
  const skip = force === 'tensorflow' && nativeMissing !== '';
  return { force, skip, title: `on the ${force} backend${skip ? ` (skipped: ${nativeMissing})` : ''}` };
});
