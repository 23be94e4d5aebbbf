import { expect, it } from 'vitest';
import { createApiClient } from '../../src/cli/apiClient.js';

it.each(['127.0.0.1:8080', 'localhost:1', 'foo', '', 'http://'])(
  'says that "%s" is no address of a server',
  async (url) => {
    const call = createApiClient({ url, token: 'aisleflow_viewer_x' })('GET', '/v1/warehouses');
    await expect(call).rejects.toMatchObject({ code: 'E_CONFIG' });
  },
);

it.each(['one\ntwo', 'clé', 'two words'])('says of the token "%s" that it can be none', async (token) => {
  const call = createApiClient({ url: 'http://127.0.0.1:1', token })('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('the token has') as string,
  });
});
