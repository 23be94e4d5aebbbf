import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import { fileReason } from '../../src/platform/fileReason.js';
import { stopsAllowedForAll } from '../../src/planning/tourLimit.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { OrderSchema, type Order } from './order.js';

const orderCheck = Compile(OrderSchema);
const LINES_PER_WRITE = 1_000;

type Fail = (detail: string, cause?: unknown) => AppError;

/**
 * An order stream: JSON Lines, one order a line, in the order of their coming in; empty lines are skipped.
 * @throws E_ORDERS_INVALID naming the line of the first fault, or that there is none
 */
export async function readOrders(file: string, graph: LaneGraph): Promise<Order[]> {
  const orders: Order[] = [];
  const seen = new Set<string>();
  let line = 0;
  const fail: Fail = (detail, cause) => {
    const place = line === 0 ? file : `${file}, line ${line}`;
    return new AppError('E_ORDERS_INVALID', { file, line, place, detail }, cause);
  };
  try {
    for await (const text of linesOf(file, fail)) {
      line++;
      if (text.trim() === '') continue;
      if (orders.length === LIMITS.ordersPerStream) {
        throw fail(`there are more than ${LIMITS.ordersPerStream} orders`);
      }
      const order = parseOrder(text, graph, fail);
      if (seen.has(order.orderId)) throw fail(`orderId ${order.orderId} was there before`);
      if (order.atSeconds < (orders.at(-1)?.atSeconds ?? 0))
        throw fail('atSeconds lies before that of an order above');
      seen.add(order.orderId);
      orders.push(order);
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw fail(`it cannot be read: ${fileReason(cause)}`, cause);
  }
  if (orders.length === 0) throw fail('there is no order in it');
  return orders;
}

/** Lines without their ends. Node's readline would hold a file without line ends in memory as a whole. */
async function* linesOf(file: string, fail: Fail): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of createReadStream(file)) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() as string;
    yield* lines;
    if (rest.length > LIMITS.orderLineCharacters) {
      throw fail(`the line after it is longer than ${LIMITS.orderLineCharacters} characters`);
    }
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

function parseOrder(text: string, graph: LaneGraph, fail: Fail): Order {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw fail(`it is not JSON (${(cause as Error).message})`, cause);
  }
  if (!orderCheck.Check(content)) {
    const [first] = orderCheck.Errors(content);
    throw fail(first ? `${first.instancePath || 'the order'} ${first.message}` : 'it is not an order');
  }
  const limit = stopsAllowedForAll(graph);
  if (content.picks.length > limit)
    throw fail(`it has ${content.picks.length} picks, an order on ${graph.warehouseId} has at most ${limit}`);
  const nodes = content.dropoff === undefined ? content.picks : [...content.picks, content.dropoff];
  const unknown = nodes.find((node) => !graph.nodeIndexOf.has(node));
  if (unknown !== undefined) throw fail(`node ${unknown} is not on the map ${graph.warehouseId}`);
  return content;
}

/** Writes a stream as JSON Lines; how many orders. @throws E_USAGE where the file cannot be written. */
export function writeOrders(file: string, orders: Iterable<Order>): number {
  let count = 0;
  let block: string[] = [];
  try {
    const handle = openSync(file, 'w');
    const flush = (): void => {
      writeSync(handle, block.join(''));
      block = [];
    };
    try {
      for (const order of orders) {
        block.push(`${JSON.stringify(order)}\n`);
        if (++count % LINES_PER_WRITE === 0) flush();
      }
      flush();
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError(
      'E_USAGE',
      { detail: `${file} cannot be written (${(cause as Error).message})` },
      cause,
    );
  }
  return count;
}
