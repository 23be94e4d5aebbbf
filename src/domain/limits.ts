/** Limits of every queue, buffer, message and loop that outsiders can fill: here, and nowhere else. */
export const LIMITS = {
  /** Nodes and lanes of one warehouse. */
  nodesPerWarehouse: 200_000,
  lanesPerWarehouse: 1_000_000,
  robotTypesPerWarehouse: 32,
  /** Anything shorter or slower is a slip of the unit, and its times lose themselves in those of the other lanes. */
  laneMetresLeast: 0.01,
  laneMetresMost: 100_000,
  robotMetresLeast: 0.01,
  speedLeast: 0.01,
  warehousesPerServer: 64,
  mapBytes: 64 * 1024 * 1024,
  /** Schema faults of one map that are collected; a file with more is not a map. */
  mapFaultsNamed: 1_000,
  /** Rows that are drawn cell by cell; a map of more is drawn as an overview. */
  drawnRows: 2_000,
  /** Cells of a picture for each node of its map. In a picture of more no shelves are drawn. */
  drawnCellsPerNode: 50,

  /** Picks of one tour; the drop-off comes on top. Exact order up to `exactOrderPicks`. */
  stopsPerTour: 60,
  /** In a request, so that one with too many can still be told how many it may have. */
  stopsRead: 1_000,
  /**
   * Stops of a tour times nodes of its map (`src/planning/tourLimit.ts`): a plan of so many takes 0.3 to 0.6 s of one core.
   * So 60 stops up to 40,000 nodes, and fewer above, but never fewer than these.
   */
  stopNodesPerTour: 2_400_000,
  stopsPerTourLeast: 8,
  /** The same of a tour that is planned at once, with everything else waiting: larger ones take turns (decision 0022). */
  stopNodesAtOnce: 120_000,
  /** Plans of larger tours under way on one server. The rest waits in a queue of its own, by the rules of the other. */
  largePlansUnderWay: 2,
  /** How long one may wait for its turn there: on the largest maps one under way takes seconds. */
  largePlanBurstSeconds: 5,
  exactOrderPicks: 12,
  localSearchRounds: 200,
  /** Tables of free-flow seconds to a goal, of one warehouse: 8 bytes a node each. */
  freeFlowTableBytes: 192 * 1024 * 1024,
  /** Of all warehouses of a server: each has an equal share where there are many. */
  freeFlowTableBytesTogether: 1024 * 1024 * 1024,
  /**
   * A served route's free-flow time is at most `detourRatio` times the shortest tour's and `detourSlackSeconds`
   * more; above it the shortest is served. Decision 0004 has what the slack is worth.
   */
  detourRatio: 1.5,
  detourSlackSeconds: 30,

  /** How long a command, a simulation or a load driver waits for an answer over HTTP. */
  serverAnswerSeconds: 60,

  idLength: 64,
  reasonLength: 200,
  robotsPerHello: 1_000,
  lanesPerRequest: 1_000,
  robotsPerWarehouse: 5_000,
  /** A robot without a route that says nothing for so long is taken off the floor, and makes room for a stranger. */
  robotSilenceSeconds: 4 * 3600,
  openRoutesPerWarehouse: 5_000,
  /** Open routes in one list; of more, those that wait longest. */
  routesListed: 1_000,
  /** Nodes of one route, and entries of one trace: both must fit in `webSocketMessageBytes`. */
  nodesPerRoute: 8_000,
  traceEntries: 16_000,
  /**
   * Plans, and holds that its robot was answered with. After so many it gets no new plan for having left its way; lanes that
   * close still send it round.
   */
  revisionsPerRoute: 500,
  /** Plans of all open routes of a warehouse; above it each gets no more than `revisionsWhenMany`. */
  revisionsPerWarehouse: 50_000,
  revisionsWhenMany: 20,
  /** Times in which its robot said that it could not drive; one that says so more often could not in between. */
  pausesPerRoute: 16,
  /** Closed routes kept for answering a repeated completion without reading the journal. */
  closedRoutesKept: 20_000,
  requestsKept: 20_000,
  /** Who held which node when, by node and by warehouse: traces tell of waits minutes later. Some 280 bytes each. */
  holdsKeptPerNode: 64,
  holdsKept: 500_000,
  openRouteLifeSeconds: 4 * 3600,
  traceClockSkewSeconds: 5,

  /** Planning queue of one server: requests waiting for their turn. Beyond it: E_BUSY. */
  plansWaiting: 2_000,
  /** How long a burst of requests may wait for its plans, and how long each request once they never stop. */
  planBurstSeconds: 1,
  /** Plans made whose records are being written: behind a slow disk, the rest waits where it can still be refused. */
  plansUnderWay: 128,
  planStandingSeconds: 0.05,
  /** How long an ordinary request may wait then where more urgent ones overtake it: E_BUSY after that. */
  planOvertakenSeconds: 0.1,
  busyRetryAfterSeconds: 1,

  /** Of a longer message that fits no schema it is not told what is wrong: that would hold all plans for 0.4 s. */
  valuesExplained: 4_000,
  /** Of one connection. */
  faultsExplainedPerSecond: 20,
  webSocketMessageBytes: 1024 * 1024,
  /** Of a message of which a part has come: what each connection may hold, all together above that, and for how long. */
  unfinishedBytesOfEach: 64 * 1024,
  unfinishedBytesAbove: 64 * 1024 * 1024,
  unfinishedSeconds: 30,
  /** Of one connection, in one turn of the loop; the rest of what it sent waits for the next. */
  webSocketMillisecondsPerTurn: 1,
  webSocketBufferedBytes: 1024 * 1024,
  /** Held back for one write: more at once a kernel may take in parts, and a part that it has not taken counts as all of it. */
  webSocketGatheredBytes: 16 * 1024,
  webSocketFragments: 64,
  /** A message of a megabyte over a network of the usual size of packets comes in some 700. */
  webSocketChunks: 4_096,
  webSocketPingSeconds: 15,
  webSocketMissedPings: 2,
  webSocketMessagesWaiting: 4_000,
  /** Messages waiting and under way, as they came: of one connection, of all. */
  webSocketBytesWaiting: 8 * 1024 * 1024,
  messageBytesWaiting: 64 * 1024 * 1024,
  httpRequestsWaiting: 512,
  /** Of operators, beside those: a closing must not wait for who only looks. */
  httpChangesWaiting: 64,
  /** Asked and not answered yet, or answered and not read. */
  httpRequestsOfConnection: 16,
  /** Of one connection when a further answer to it is made. */
  httpUnreadBytes: 1024 * 1024,
  /** To read an answer in, and one that is made as it is read. */
  answerTimeoutSeconds: 10,
  longAnswerTimeoutSeconds: 60,
  /** Of a long list, of which one is under way at a time: made at once, some 4 ms on the slowest machines. */
  listPartCharacters: 32 * 1024,
  connections: 4_096,
  httpBodyBytes: 64 * 1024,
  requestTimeoutSeconds: 10,
  connectionTimeoutSeconds: 30,
  /** Also to begin the next request on a connection. */
  headersTimeoutSeconds: 10,
  jsonDepth: 16,
  /** A trace of `traceEntries` has 64,000. */
  jsonValues: 70_000,
  /** A hello of `robotsPerHello` has 4,000. Each costs far more than a value. */
  jsonFields: 10_000,
  eventStreamsOpen: 64,
  tokens: 1_000,
  /** A revoked or expired token's connections end within this and a moment. */
  tokenRefreshSeconds: 2,
  stopGraceSeconds: 10,

  journalRecordsWaiting: 50_000,
  journalBytesWaiting: 256 * 1024 * 1024,
  /**
   * Look-ups of routes that are over, or of ids that never were one, waiting and under way: each asks every segment, 2 to
   * 4 ms for 58 of them. Beyond it: E_BUSY.
   */
  journalLookUpsWaiting: 256,
  journalRecordsPerCommit: 2_000,
  journalBytesPerCommit: 16 * 1024 * 1024,
  journalRecordBytes: 4 * 1024 * 1024,
  /** Read back from the journal at once. */
  journalRecordsPerRead: 2_000,
  journalBytesPerRead: 8 * 1024 * 1024,
  /**
   * A segment of the journal is sealed above these: a start checks the one that is written to as a whole, 0.3 s
   * for 128 MiB.
   */
  segmentRecords: 200_000,
  segmentBytes: 128 * 1024 * 1024,
  /** A look-up by route asks all segments: where most must be opened for it, 54 ms for 58 of them instead of 2 to 4. */
  sealedSegmentsOpen: 64,
  /** SQLite's cache of each, which would take 16 MiB: 1 GiB for all that are open. */
  sealedSegmentCacheBytes: 1024 * 1024,
  /** Space kept for routes, holds and closures when the disk is full; completions are refused then. */
  journalReserveBytes: 16 * 1024 * 1024,
  /** Records of other policies served, of some 300 bytes, that go into it until it is held again. */
  activationsInReserve: 1_000,
  /** Pages that a backup copies between two commits. */
  backupPagesPerStep: 256,
  correctionsPerRecord: 10_000,
  /** Waits of fleets that report nothing on the way, until the traces of others have come; of more the oldest settle early. */
  waitsUnsettled: 100_000,
  /** While the disk is full; what is above is not in the journal's training set. */
  correctionsWaiting: 200_000,
  /** A checkpoint is written after so many records, so that a start reads no more than these. */
  checkpointRecords: 10_000,
  /** Items of a checkpoint that are written at once, with the main thread held. */
  checkpointItemsPerPart: 200,
  /** Bytes of a checkpoint that are read at once. */
  checkpointBytesPerRead: 1024 * 1024,
  /** Retention drops no record younger than this: repeated requests and reports are answered from them. */
  duplicateAnswersKeptSeconds: 24 * 3600,

  /** Passages of lanes that a warehouse remembers, for the regret of the routes under way. */
  passagesKept: 131_072,
  /** Nodes that the searches for regrets may settle in a second of a warehouse's clock, and at least one regret. */
  regretNodesPerSecond: 8_000,
  /** A regret is measured with everything else waiting: of routes whose searches may settle more there is none. */
  regretNodesAtOnce: 320_000,
  /** Places of robots in the floors that open routes of a warehouse were planned on, about 120 bytes each; the oldest are forgotten. */
  floorPlaces: 500_000,
  /** Worst predicted routes of a warehouse that are kept with their traffic. */
  cornerCasesKept: 32,
  /** Nodes of routes in one of them, beside its own: each costs memory 32 times, and the record must not be too long. */
  cornerCaseNodes: 60_000,

  /** Completions whose time until they are in a served route is being measured; of more, the newest. */
  outcomesUnserved: 10_000,
  replayRows: 20_000,
  cornerRows: 2_000,
  heldOutRows: 512,
  /** Newest rows of a policy that drills are made from. */
  recentRows: 1_000,
  learnerRowsWaiting: 100_000,
  /** JavaScript heap of the learner's thread; tensors lie outside it, their count is constant. */
  learnerHeapMebibytes: 512,
  /** A learner that answers no tick for so long hangs. */
  learnerSilenceSeconds: 10,
  /** So does one that has not begun for so long. */
  learnerStartSeconds: 60,
  learnerRestart: { firstPauseSeconds: 1, longestPauseSeconds: 60 },
  batchesPerTurn: 64,
  /** A version that is worse on purpose is served for no longer, whatever became of who began the drill. */
  drillSeconds: 300,
  policyVersionsKept: 200,
  /** Kept in each directory of versions: changes of the active one on a full disk, twice some 4 KiB each. */
  registryReserveBytes: 128 * 1024,

  simulatedRobots: 5_000,
  simulatedSteps: 1_000_000,
  ordersPerStream: 1_000_000,
  orderLineCharacters: 64 * 1024,
} as const;
