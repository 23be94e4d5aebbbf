/** Of every command that works on the data directory of a server on this machine: flags, description, default. */
export const DATA_OPTION = [
  '--data <directory>',
  'data directory of the server',
  process.env['AISLEFLOW_DATA'] ?? '.data',
] as const;
