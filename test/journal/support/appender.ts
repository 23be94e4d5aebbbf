/** A process that appends until it is ended, and prints each record's number once it is acknowledged. */
import { openJournal } from '../../../src/journal/sqliteJournal.js';

const directory = process.argv[2] as string;
const limit = Number(process.argv[3] ?? Infinity);

const journal = await openJournal({
  directory,
  onFatal(error) {
    process.stderr.write(`${error.code}\n`);
    process.exit(70);
  },
});
let number = journal.lastSequence();

async function appendForEver(): Promise<void> {
  while (number < limit) {
    const mine = ++number;
    const sequence = await journal.append({
      at: mine,
      warehouseId: 'site',
      kind: 'samples',
      payload: { routeId: `r${mine}`, rows: 1, rowLength: 100 },
      blob: new Uint8Array(400),
    });
    process.stdout.write(`${sequence} r${mine}\n`);
  }
}
await Promise.all(Array.from({ length: 16 }, appendForEver));
await journal.close();
