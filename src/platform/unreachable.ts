import { AppError } from '../domain/errors.js';

/** What OpenSSL calls a certificate that is sound, and whose issuer nobody here trusts. */
const UNTRUSTED = /SELF_SIGNED|ISSUER_CERT|LEAF_SIGNATURE/;
/** What it makes of an answer without TLS. */
const NO_TLS = /^EPROTO|^ERR_SSL/;

/** E_LINK_LOST: a server is not there, went away, or is not trusted. */
export function unreachable(url: string, cause: unknown): AppError {
  return new AppError('E_LINK_LOST', { url, detail: reasonOf(cause) }, cause);
}

/** `fetch` says only that it failed; its cause says why, and where all addresses were tried, its code does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, code = '' } = (error.cause ?? error) as Partial<NodeJS.ErrnoException>;
  if (NO_TLS.test(code)) return 'it does not speak TLS; is its address one of http?';
  const reason = message || code || error.message;
  return UNTRUSTED.test(code) ? `${reason}; name its authority's file in NODE_EXTRA_CA_CERTS` : reason;
}
