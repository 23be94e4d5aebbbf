import { expect, it } from 'vitest';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { openShort, temporaryDirectory } from './support/shortJournal.js';
import { LADDER, lane, SITE, startService } from './support/startService.js';

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

it('a warehouse that was served once, and where nothing happened, is not missed at the next start', async () => {
  const directory = await temporaryDirectory();
  const dormantAfter = async (served: readonly string[], change?: 'change'): Promise<string[]> => {
    const { service } = await startService({
      ...{ journal: await openShort(directory), mode: 'learn', robots: [] },
      graphs: served.map((warehouseId) => gridFromText(LADDER, 'kiva', warehouseId)),
    });
    if (change) await service.closeLanes('annex', [lane('00', '01')]);
    const dormant = service.dormantWarehouses().map(({ warehouseId }) => warehouseId);
    await service.close();
    return dormant;
  };
  expect(await dormantAfter([SITE, 'annex'])).toEqual([]);
  expect(await dormantAfter([SITE])).toEqual([]);
  expect(await dormantAfter([SITE, 'annex'], 'change')).toEqual([]);
  expect(await dormantAfter([SITE])).toEqual(['annex']);
});
