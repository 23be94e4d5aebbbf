import { Argument, type Command } from 'commander';
import { COMPONENTS, isWeight, parseWeight, type RewardWeights } from '../domain/components.js';
import { AppError } from '../domain/errors.js';
import { MODES, type RouteClosedMessage } from '../domain/messages.js';
import type {
  CornerCaseView,
  GuardView,
  LaneName,
  LaneView,
  OpenRouteList,
  PolicyView,
  ShadowReport,
  WarehouseSummary,
} from '../domain/serviceContract.js';
import { LEAST_ERROR_SECONDS } from '../service/cornerCases.js';
import {
  createServerClient,
  warehousePath,
  type ServerAddress,
  type ServerClient,
} from '../platform/serverClient.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';
import { closedLaneTable, openRouteTable } from './floorTables.js';
import {
  cornerCaseTable,
  guardTable,
  policyTable,
  shadowTable,
  statusTable,
  weightsTable,
} from './operatorTables.js';

type Options = ServerAddress & {
  readonly json?: true;
  readonly warehouse?: string;
  readonly from?: string;
  readonly held?: true;
};
type Action = (
  api: ServerClient['json'],
  options: Options,
  ...args: string[][]
) => Promise<{ value: unknown; text: string }>;

const HELP = `${FAILURE_HELP}

The server is named by --url or AISLEFLOW_URL, the token by --token or AISLEFLOW_TOKEN.
`;
/** What stands after the command in its example. */
const OPERANDS: Readonly<Record<string, string>> = {
  'corner-cases replay': 'ROUTE',
  'policy activate': 'v12',
  'weights set': 'wait=2 blocking=0.5',
  'lanes close': 'r1c1/r1c2 r1c2/r1c1',
  'lanes open': 'r1c1/r1c2 r1c2/r1c1',
  mode: 'observe',
  'routes list': '--held',
  'routes cancel': 'ROUTE',
};

const NO_CORNER_CASES =
  'None yet: a route is kept that the policy priced (in mode learn or frozen) and whose wait it predicted ' +
  `wrong by ${LEAST_ERROR_SECONDS} s or more.`;

/** Adds `status`, `routes`, `corner-cases`, `policy`, `shadow`, `weights`, `lanes` and `mode`: a running server is asked over HTTP. */
export function addOperatorCommands(program: Command): void {
  add(program.command('status').description('what each warehouse does now'), async (api) => {
    const value = await api<WarehouseSummary[]>('GET', '/v1/warehouses');
    return { value, text: statusTable(value) };
  });
  addRouteCommands(group(program.command('routes').description('list open routes; cancel one')));
  const cornerCases = group(
    program.command('corner-cases').description('routes that the policy predicted worst; replay one'),
  );
  add(
    inWarehouse(
      cornerCases.command('list', { isDefault: true }).description('those that are kept, worst first'),
    ),
    async (api, options) => {
      const value = await api<CornerCaseView[]>('GET', `${pathOf(options)}/corner-cases`);
      return { value, text: value.length === 0 ? NO_CORNER_CASES : cornerCaseTable(value) };
    },
  );
  addPolicyCommands(
    group(program.command('policy').description('list, save, activate and roll back policy versions')),
  );
  add(
    inWarehouse(program.command('shadow').description('what the candidate would have done, in mode shadow')),
    async (api, options) => {
      const value = await api<ShadowReport>('GET', `${pathOf(options)}/shadow`);
      return { value, text: shadowTable(value) };
    },
  );
  addWeightsCommands(group(program.command('weights').description('read and set the reward weights')));
  addLaneCommands(group(program.command('lanes').description('list closed lanes, close and open lanes')));
  add(
    inWarehouse(
      program
        .command('mode')
        .description('switch what a warehouse does')
        .addArgument(new Argument('<mode>', 'what it shall do').choices(MODES)),
    ),
    async (api, options, [mode]) => {
      const value = await api<{ mode: string }>('PUT', `${pathOf(options)}/mode`, { mode });
      return { value, text: `Mode ${value.mode}.` };
    },
  );
}

function addRouteCommands(routes: Command): void {
  add(
    inWarehouse(
      routes
        .command('list', { isDefault: true })
        .description('open routes, who waits longest first: where, for how long, how late, held or not')
        .option('--held', 'only robots that were told to wait'),
    ),
    async (api, options) => {
      const held = options.held === true;
      const value = await api<OpenRouteList>('GET', `${pathOf(options)}/routes${held ? '?held=true' : ''}`);
      const none = held ? 'No robot is told to wait.' : 'No route is open.';
      return { value, text: value.total === 0 ? none : openRouteTable(value) };
    },
  );
  const cancel = routes
    .command('cancel')
    .description('give up a route whose robot is broken or gone')
    .argument('<route>', 'its id, as `routes` lists it');
  add(inWarehouse(cancel), async (api, options, [routeId = '']) => {
    const path = `${pathOf(options)}/routes/${encodeURIComponent(routeId)}/cancel`;
    const value = await api<RouteClosedMessage>('POST', path, { reason: 'cancelled by an operator' });
    return { value, text: `Route ${value.routeId} is ${value.state}.` };
  });
}

function addPolicyCommands(policy: Command): void {
  const change = (
    command: Command,
    action: (argument: string, options: Options) => string,
    done: string,
  ): void =>
    add(inWarehouse(command), async (api, options, [argument = '']) => {
      const path = `${pathOf(options)}/policies/${action(argument, options)}`;
      const served = () => api<GuardView>('GET', `${pathOf(options)}/guard`);
      const before = await served();
      const value = await api<PolicyView>('POST', path);
      const after = await served();
      const whose = value.warehouseId === null ? ', for all warehouses' : '';
      const now = `${before.policyVersion} was served, ${after.policyVersion} is now`;
      return { value, text: `${value.policyVersion} ${done}${whose}: ${now}.` };
    });
  add(policy.command('list').description('saved versions'), async (api) => {
    const value = await api<PolicyView[]>('GET', '/v1/policies');
    return { value, text: policyTable(value) };
  });
  change(policy.command('save').description('save what is served now'), () => 'save', 'is saved');
  change(
    policy.command('activate').description('serve a saved version').argument('<version>'),
    (version) => `${encodeURIComponent(savedVersion(version))}/activate`,
    'is active',
  );
  const rollback = policy
    .command('rollback')
    .description('serve the last good version')
    .option('--from <version>', 'only while this version is served');
  change(
    rollback,
    (_argument, { from }) =>
      `rollback${from === undefined ? '' : `?from=${encodeURIComponent(partsOf(from).saved)}`}`,
    'is active',
  );
  add(
    inWarehouse(policy.command('guard').description('the last good version, and what was taken back')),
    async (api, options) => {
      const value = await api<GuardView>('GET', `${pathOf(options)}/guard`);
      return { value, text: guardTable(value) };
    },
  );
}

/** `v3+128`, as versions are printed: a saved one, and how many updates came since. */
function partsOf(version: string): { readonly saved: string; readonly updates: number } {
  const [, saved = version, updates = 0] = /^(.+)\+(\d+)$/.exec(version) ?? [];
  return { saved, updates: Number(updates) };
}

/** @throws E_USAGE for one with updates: the registry has none */
function savedVersion(version: string): string {
  const { saved, updates } = partsOf(version);
  if (updates === 0) return saved;
  const detail = `${version} is ${saved} and ${updates} updates, and only what is saved can be activated; \`aisleflow policy save\` keeps what is served now`;
  throw new AppError('E_USAGE', { detail });
}

function addWeightsCommands(weights: Command): void {
  add(inWarehouse(weights.command('get').description('the weights in force')), async (api, options) => {
    const value = await api<RewardWeights>('GET', `${pathOf(options)}/weights`);
    return { value, text: weightsTable(value) };
  });
  const set = weights
    .command('set')
    .description('change some; the others stay')
    .argument('<component=weight...>', `components: ${COMPONENTS.join(', ')}`);
  add(inWarehouse(set), async (api, options, pairs = []) => {
    const named = pairs.map(weightNamed);
    const twice = named.find(([component], at) => named.findIndex(([other]) => other === component) < at);
    if (twice !== undefined) throw new AppError('E_USAGE', { detail: `${twice[0]} is given twice` });
    const changed = Object.fromEntries(named);
    const value = await api<RewardWeights>('PATCH', `${pathOf(options)}/weights`, changed);
    return { value, text: weightsTable(value) };
  });
}

function addLaneCommands(lanes: Command): void {
  add(
    inWarehouse(
      lanes
        .command('list')
        .description('closed lanes: by a closure or by the map, and the robot types that they bar'),
    ),
    async (api, options) => {
      const value = await api<LaneView[]>('GET', `${pathOf(options)}/lanes?closed=true`);
      return { value, text: value.length === 0 ? 'No lane is closed.' : closedLaneTable(value) };
    },
  );
  for (const verb of ['close', 'open'] as const) {
    const command = lanes
      .command(verb)
      .description(`${verb} lanes`)
      .argument('<from/to...>', 'nodes where each lane begins and ends');
    add(inWarehouse(command), async (api, options, names = []) => {
      const value = await api('POST', `${pathOf(options)}/lanes/${verb}`, { lanes: names.map(laneNamed) });
      return { value, text: `${verb === 'close' ? 'Closed' : 'Open'} now: ${new Set(names).size}.` };
    });
  }
}

/** What all of these commands share: where to ask, how to print, how to fail. */
function add(command: Command, action: Action): void {
  command
    .option('--url <url>', 'server', process.env['AISLEFLOW_URL'] ?? 'http://127.0.0.1:8080')
    .option('--token <token>', 'token with the role that this needs (default: AISLEFLOW_TOKEN)')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', `${HELP}\nExample:\n  ${exampleOf(command)}`)
    .action(
      reportingFailure(async (...given: unknown[]) => {
        const options = command.opts<Options>();
        const token = options.token ?? process.env['AISLEFLOW_TOKEN'];
        const { json: api } = createServerClient({ url: options.url, token });
        const argument = command.registeredArguments.length > 0 ? [given[0]].flat().map(String) : [];
        const { value, text } = await action(api, options, argument);
        console.log(options.json === true ? JSON.stringify(value) : text);
      }),
    );
}

/** A command whose parts do the work: its help shows how each is called. */
function group(command: Command): Command {
  return command.addHelpText(
    'after',
    () => `${HELP}\nExamples:\n  ${command.commands.map(exampleOf).join('\n  ')}`,
  );
}

function exampleOf(command: Command): string {
  const group = command.parent?.parent ? [command.parent.name()] : [];
  const words = [...group, command.name()];
  const site = command.options.some(({ long }) => long === '--warehouse') ? '--warehouse kiva-33x36' : '';
  return ['aisleflow', ...words, OPERANDS[words.join(' ')] ?? '', site]
    .filter((word) => word !== '')
    .join(' ');
}

function inWarehouse(command: Command): Command {
  return command.requiredOption('--warehouse <id>', 'warehouse that is meant');
}

function pathOf({ warehouse = '' }: Options): string {
  return warehousePath(warehouse);
}

function weightNamed(pair: string): readonly [string, number] {
  const weight = parseWeight(pair);
  if (weight === null) {
    throw new AppError('E_USAGE', {
      detail: `${pair}: write component=number; components: ${COMPONENTS.join(', ')}`,
    });
  }
  if (!isWeight(...weight)) throw new AppError('E_WEIGHTS_INVALID', { detail: pair });
  return weight;
}

/** A slash is in no id, so the ends are told apart. */
function laneNamed(text: string): LaneName {
  const [from, to, ...rest] = text.split('/');
  if (!from || !to || rest.length > 0)
    throw new AppError('E_USAGE', { detail: `${text}: write a lane as from/to` });
  return { from, to };
}
