import { expect, it } from 'vitest';
import { openShort, temporaryDirectory } from './support/shortJournal.js';
import { SITE, startService } from './support/startService.js';

it('a warehouse stays in the mode that it began in, though the next start gives new ones another', async () => {
  const directory = await temporaryDirectory();
  const modes: string[] = [];
  for (const mode of ['shadow', 'learn'] as const) {
    const { service } = await startService({ journal: await openShort(directory), mode });
    modes.push(service.warehouse(SITE).mode);
    await service.close();
  }
  expect(modes).toEqual(['shadow', 'shadow']);
});
