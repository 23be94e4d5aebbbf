import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ERRORS } from '../src/domain/errors.js';

export const ERROR_DOCS = join(import.meta.dirname, '..', 'docs', 'errors.md');

const HEAD = `# Errors

Generated from \`src/domain/errors.ts\` by \`npm run docs:errors\`.

Over HTTP an error is a problem document (RFC 9457, \`application/problem+json\`) with \`code\`, \`references\` and \`retry\`; over the
WebSocket it is \`{"type":"error","code","message","references"}\`; the command line prints \`CODE: sentence\`. Codes are
stable, sentences are not. \`references\` holds what the braces stand for, and over the WebSocket the \`requestId\`, \`routeId\` and
\`robotId\` of the message that was refused. Where "again" says yes, the same message may be sent again as it is, after
\`retryAfterSeconds\` where that is given.

| code | status | again | what it says |
|---|---|---|---|
`;

/** The text of docs/errors.md: one row for each entry of the catalogue, in its order. */
export function errorDocs(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, retry, template }]) =>
      `| \`${code}\` | ${status} | ${retry ? 'yes' : 'no'} | ${template.replaceAll('|', '\\|')} |`,
  );
  return `${HEAD}${rows.join('\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(ERROR_DOCS, errorDocs());
  console.log(`${ERROR_DOCS}: ${Object.keys(ERRORS).length} errors.`);
}
