/** The layers of the house, top first: a folder imports only from folders above it. */
const LAYERS = [
  'domain',
  'platform',
  'warehouse',
  'traffic',
  'policy',
  'planning',
  'learning',
  'journal',
  'registry',
  'service',
  'server',
  'cli',
];

const downward = LAYERS.slice(0, -1).map((layer, index) => ({
  name: `${layer}-looks-up-only`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: `^(src/(${LAYERS.slice(index + 1).join('|')}|main)|sim|load|test|scripts)` },
}));

module.exports = {
  forbidden: [
    ...downward,
    {
      name: 'nothing-imports-main',
      severity: 'error',
      from: {},
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'cli-does-not-import-the-simulation',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^(sim|load|test|scripts)/' },
    },
    {
      name: 'sim-imports-service-and-above',
      severity: 'error',
      from: { path: '^sim/' },
      to: { path: '^(src/(server|cli|main)|load|test|scripts)' },
    },
    {
      name: 'load-speaks-the-wire-only',
      severity: 'error',
      from: { path: '^load/' },
      to: { path: '^(src/(?!domain|platform)|test|scripts)' },
    },
    {
      name: 'tensorflow-only-in-policy-and-learning',
      severity: 'error',
      from: { path: '^(src|sim|load)', pathNot: '^src/(policy|learning)/' },
      to: { path: '@tensorflow' },
    },
    {
      name: 'sqlite-only-in-the-journal',
      severity: 'error',
      from: { path: '^(src|sim|load)', pathNot: '^src/journal/' },
      to: { path: 'better-sqlite3' },
    },
    {
      // An installed program has none of them: one static import, however deep, and no command starts.
      name: 'development-packages-only-when-needed',
      severity: 'error',
      from: { path: '^(src|sim)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], dynamic: false },
    },
    {
      name: 'pure-core-touches-no-effects',
      severity: 'error',
      from: { path: '^src/(domain|warehouse|traffic|planning|policy)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(assert|module|util|path|url)$' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
