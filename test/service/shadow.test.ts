import { afterEach, describe, expect, it, vi } from 'vitest';
import { orderTour } from '../../src/planning/tourOrder.js';
import { cell, SITE, startService } from './support/startService.js';

describe('a plan in mode shadow', () => {
  afterEach(() => vi.restoreAllMocks());

  it('is measured without the plan of the candidate', async () => {
    let now = 0;
    let orders = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const measured: number[] = [];
    const { service } = await startService({
      ...{ learns: true, mode: 'shadow' },
      observer: { planned: (_warehouseId, milliseconds) => void measured.push(milliseconds) },
      visitOrder(matrix, shape) {
        now += 10;
        orders++;
        return orderTour(matrix, shape);
      },
    });
    const stops = ['04', '12'].map(cell);
    await service.requestRoute(SITE, { requestId: 'q1', robotId: 'a', from: cell('00'), stops });
    expect(service.shadow(SITE).plans).toBe(1);
    const inShadow = measured.at(-1);
    const ordersOfBoth = orders;
    await service.setMode(SITE, 'observe');
    await service.requestRoute(SITE, { requestId: 'q2', robotId: 'b', from: cell('00'), stops });
    expect(orders - ordersOfBoth).toBeLessThan(ordersOfBoth);
    expect(inShadow).toBe(measured.at(-1));
    await service.close();
  });
});
