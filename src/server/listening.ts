import { createServer } from 'node:net';
import { AppError } from '../domain/errors.js';

/**
 * Listens for a moment, before anything is written that a start which never serves would leave behind.
 * @throws E_PORT_IN_USE, E_CONFIG where the address cannot be listened on
 */
export async function checkListening(host: string, port: number): Promise<void> {
  const probe = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject).listen({ host, port }, resolve);
    });
  } catch (error) {
    throw listenError(error, host, port);
  }
  await new Promise((resolve) => probe.close(resolve));
}

/** What hinders listening, as an error of the catalogue where it is known. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return new AppError('E_PORT_IN_USE', { host, port }, error);
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new AppError('E_CONFIG', { detail: `cannot listen on ${host}:${port} (${message})` }, error);
  }
  return error;
}
