import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODES } from '../../src/domain/messages.js';
import { startServer, type TestServer } from './support/startServer.js';

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, { content: Record<string, unknown> }>;
  readonly requestBody?: { content: Record<string, Body> };
  readonly parameters?: readonly { in: string; name: string; example?: unknown }[];
  readonly security: unknown[];
}

interface Body {
  readonly schema: TSchema;
  readonly example?: unknown;
  readonly examples?: Record<string, { value: unknown }>;
}

describe('the API description', () => {
  let server: TestServer;
  let document: Document;
  beforeAll(async () => {
    server = await startServer();
    document = (await server.http('GET', '/docs/json', { token: server.tokens.viewer }))
      .json as unknown as Document;
  });
  afterAll(() => server.close());

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(document as unknown as Record<string, unknown>);
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  it('holds every entry of the server', () => {
    const served = server.server.routes
      .filter(({ method, url }) => method !== 'HEAD' && !url.startsWith('/docs'))
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(served.sort());
  });

  it('names each operation once and says what its errors look like', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const operation of operations) {
      expect(operation.responses['default']?.content).toHaveProperty('application/problem+json');
    }
  });

  it('writes tuples the way of JSON Schema 2020-12', () => {
    const operation = document.paths['/v1/warehouses/{warehouseId}/routes/{routeId}/complete']?.['post'];
    const schema = operation?.requestBody?.content['application/json']?.schema;
    expect(schema).toMatchObject({
      properties: { trace: { items: { prefixItems: [{}, {}, {}], items: false } } },
    });
    expect(JSON.stringify(document)).not.toContain('additionalItems');
  });

  it('fills in calls that fit their schemas, on a map that comes with the program', () => {
    const map = readFileSync(join(import.meta.dirname, '..', '..', 'maps', 'kiva-33x36.json'), 'utf8');
    const { id, nodes } = JSON.parse(map) as { id: string; nodes: { id: string }[] };
    const known = new Set(nodes.map((node) => node.id));
    let bodies = 0;
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { operationId, requestBody, parameters = [] } of Object.values(methods)) {
        const site = parameters.find(({ name }) => name === 'warehouseId');
        if (path.includes('{warehouseId}')) expect([operationId, site?.example]).toEqual([operationId, id]);
        // Whoever presses Execute wants no filter.
        for (const { in: place, example } of parameters)
          if (place === 'query') expect([operationId, example]).toEqual([operationId, undefined]);
        if (requestBody === undefined) continue;
        bodies++;
        const { schema, example, examples = {} } = requestBody.content['application/json']!;
        const shown = example === undefined ? Object.values(examples).map(({ value }) => value) : [example];
        expect([operationId, shown.length]).not.toEqual([operationId, 0]);
        for (const body of shown) {
          expect([operationId, Compile(schema).Errors(body)]).toEqual([operationId, []]);
          const named = JSON.stringify(body).match(/r\d+c\d+/g) ?? [];
          expect([operationId, named.filter((node) => !known.has(node))]).toEqual([operationId, []]);
        }
      }
    }
    expect(bodies).toBe(12);
  });

  it('names the modes where one is set', () => {
    const operation = document.paths['/v1/warehouses/{warehouseId}/mode']?.['put'];
    const shown = Object.values(operation?.requestBody?.content['application/json']?.examples ?? {});
    expect(shown.map(({ value }) => value)).toEqual(MODES.map((mode) => ({ mode })));
  });

  it('is shown under its name, without a bar for other servers', async () => {
    const get = async (path: string) =>
      (await server.http('GET', path, { token: server.tokens.viewer })).text;
    expect(await get('/docs')).toContain('<title>Aisleflow</title>');
    const settings = await get('/docs/static/swagger-initializer.js');
    expect(settings).toMatch(/"layout": ?"BaseLayout"/);
    expect(settings).toMatch(/"persistAuthorization": ?false/);
  });

  it('is shown without anything from elsewhere', async () => {
    const token = server.tokens.viewer;
    const page = await server.http('GET', '/docs', { token });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests');
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, asset]) => asset ?? '');
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      const { pathname } = new URL(asset, `${server.url}/docs`);
      expect([asset, (await server.http('GET', pathname, { token })).status]).toEqual([asset, 200]);
    }
  });
});
