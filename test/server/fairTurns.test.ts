import { expect, it } from 'vitest';
import { frameOf, openRawSocket } from './support/hostile.js';
import { startServer } from './support/startServer.js';

/** Some 50 KB: one chunk. */
const SENT = 500;
const STATE = { type: 'robot.state', robotId: 'amr-1', node: 'r0c0', available: true, at: 1 };
const HELLO = {
  type: 'hello',
  warehouseId: 'north',
  robots: [{ robotId: 'amr-1', robotType: 'unit', node: 'r0c0' }],
};

it('serves other connections between the messages that one sends at once', async () => {
  let states = 0;
  const statesBefore: number[] = [];
  const server = await startServer({
    wrap: (service) => ({
      ...service,
      robotState(warehouseId, message) {
        states++;
        service.robotState(warehouseId, message);
      },
      hello(message) {
        statesBefore.push(states);
        return service.hello(message);
      },
    }),
  });
  const flooder = await openRawSocket({ port: server.port, token: server.tokens.robot });
  const other = await server.connect(server.tokens.robot);
  const frame = (message: object): Buffer => {
    const payload = Buffer.from(JSON.stringify(message));
    return frameOf({ first: 0x81, claimed: payload.length, isMasked: true, payload });
  };
  flooder.write(Buffer.concat([frame(HELLO), ...Array.from({ length: SENT }, () => frame(STATE))]));
  other.send({ ...HELLO, robots: [] });
  await other.next('welcome');
  await expect.poll(() => states).toBe(SENT);
  expect(statesBefore.at(-1)).toBeLessThan(SENT / 2);
  flooder.destroy();
  other.socket.terminate();
  await server.close();
});
