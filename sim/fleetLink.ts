import type {
  RouteAssignedContent,
  RouteCompletedContent,
  RouteDeviatedMessage,
  RouteProgressMessage,
  RouteRequestContent,
  RouteScoredContent,
  RouteUpdatedMessage,
} from '../src/domain/messages.js';

/** How a simulated fleet reaches the service: by call in process, or over the real socket. */
export interface FleetLink {
  hello(robots: readonly { readonly robotId: string; readonly robotType: string; readonly node: string }[]): Promise<void>;
  requestRoute(request: RouteRequestContent): Promise<RouteAssignedContent>;
  progress(message: Omit<RouteProgressMessage, 'type'>): void;
  deviated(message: Omit<RouteDeviatedMessage, 'type'>): Promise<RouteUpdatedMessage>;
  completed(report: RouteCompletedContent): Promise<RouteScoredContent>;
  /** Moves the warehouse's clock; what is due on it happens before the promise settles. */
  advanceClock(at: number): Promise<void>;
  /** Routes that the service changed of its own accord. */
  onUpdate(listener: (message: RouteUpdatedMessage) => void): void;
  close(): Promise<void>;
}
