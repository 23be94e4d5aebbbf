import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './support/startServer.js';

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, { content: Record<string, unknown> }>;
  readonly requestBody?: { content: Record<string, { schema: unknown }> };
  readonly security: unknown[];
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
