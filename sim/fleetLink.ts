import type {
  RobotStateMessage,
  RouteAssignedContent,
  RouteCompletedContent,
  RouteDeviatedMessage,
  RouteHeldMessage,
  RouteProgressMessage,
  RouteRequestContent,
  RouteScoredContent,
  RouteUpdatedMessage,
} from '../src/domain/messages.js';

export interface FleetRobot {
  readonly robotId: string;
  readonly robotType: string;
  readonly node: string;
}

/** What the service says after a lost connection that a robot has still to drive. */
export interface RouteResumed extends Pick<
  RouteUpdatedMessage,
  'routeId' | 'robotId' | 'revision' | 'nodes' | 'stopIndexes'
> {
  readonly type: 'route.resumed';
}

/** What the service changes of its own accord: a new way, or none for now. */
export type RouteChange = RouteUpdatedMessage | RouteHeldMessage | RouteResumed;

/**
 * How a simulated fleet reaches the service: by call in process, or over the real socket. Refusals reject with
 * the `AppError` of the catalogue.
 */
export interface FleetLink {
  hello(robots: readonly FleetRobot[]): Promise<void>;
  robotState(message: Omit<RobotStateMessage, 'type'>): void;
  requestRoute(request: RouteRequestContent): Promise<RouteAssignedContent>;
  progress(message: Omit<RouteProgressMessage, 'type'>): void;
  deviated(message: Omit<RouteDeviatedMessage, 'type'>): Promise<RouteUpdatedMessage>;
  completed(report: RouteCompletedContent): Promise<RouteScoredContent>;
  /** Moves the warehouse's clock; what is due on it happens before the promise settles. */
  advanceClock(at: number): Promise<void>;
  /** Routes that the service changed of its own accord. */
  onUpdate(listener: (message: RouteChange) => void): void;
  close(): Promise<void>;
}
