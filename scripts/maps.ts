/** Writes what is generated and shipped: `maps/*.json` and `docs/warehouse.schema.json`. */
import { writeFileSync } from 'node:fs';
import { generateWarehouse, LAYOUTS } from '../src/warehouse/layouts.js';
import { formatWarehouseFile, formatWarehouseSchema } from '../src/warehouse/warehouseFile.js';

const root = new URL('../', import.meta.url);
for (const name of Object.keys(LAYOUTS)) {
  writeFileSync(new URL(`maps/${name}.json`, root), formatWarehouseFile(generateWarehouse(name)));
  console.log(`maps/${name}.json`);
}
writeFileSync(new URL('docs/warehouse.schema.json', root), formatWarehouseSchema());
console.log('docs/warehouse.schema.json');
