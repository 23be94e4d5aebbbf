import type { Mode } from '../domain/messages.js';

export function learnsIn(mode: Mode): boolean {
  return mode === 'learn' || mode === 'observe' || mode === 'shadow';
}

/** Whether robots are planned for under the policy, where it has weights; else under free flow. */
export function servesIn(mode: Mode): boolean {
  return mode === 'learn' || mode === 'frozen';
}
