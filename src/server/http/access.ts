import type { FastifyRequest } from 'fastify';
import { AppError } from '../../domain/errors.js';
import type { Role } from '../../registry/tokenRecords.js';
import { authenticate, requireRole, requireWarehouse, type Credential, type TokenSource } from '../tokens.js';

/** Who may use an HTTP route. Every route declares one: registering a route without it throws. */
export interface Access {
  /** `open` needs no token: for the two health probes alone, which tell nothing. */
  readonly roles: readonly Role[] | 'open';
  /** Takes the token as a Basic password too, for pages that a browser opens. Safe: those only read. */
  readonly allowBasic?: true;
}

export const OPEN: Access = { roles: 'open' };
export const PAGE: Access = { roles: ['viewer', 'operator'], allowBasic: true };
export const READ: Access = { roles: ['viewer', 'operator'] };
/** Robots for themselves, operators for all. */
export const FLEET: Access = { roles: ['robot', 'operator'] };
export const ANYONE: Access = { roles: ['viewer', 'robot', 'operator'] };
export const OPERATE: Access = { roles: ['operator'] };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    credential: Credential | null;
  }
}

/** @throws E_UNAUTHENTICATED, E_FORBIDDEN: role first, then the warehouse in the path. */
export function admitRequest(request: FastifyRequest, tokens: TokenSource): void {
  const { access } = request.routeOptions.config;
  if (access === undefined || access.roles === 'open') return;
  const { authorization } = request.headers;
  const credential = authenticate(tokens, authorization, access.allowBasic);
  if (credential === null) throw new AppError('E_UNAUTHENTICATED');
  // After 403 a browser keeps the password, and asks for no other until it is closed.
  const isPassword = access.allowBasic === true && authenticate(tokens, authorization) === null;
  if (isPassword && !access.roles.includes(credential.role)) throw new AppError('E_UNAUTHENTICATED');
  requireRole(credential, access.roles);
  const { warehouseId } = (request.params ?? {}) as { warehouseId?: string };
  if (warehouseId !== undefined) requireWarehouse(credential, warehouseId);
  request.credential = credential;
}

/** The credential of a request that `admitRequest` let in. */
export function credentialOf(request: FastifyRequest): Credential {
  if (request.credential === null) throw new AppError('E_UNAUTHENTICATED');
  return request.credential;
}
