// The routes as Express knows them. Who calls is found out first, then the body is read, then the route answers: a
// stranger's megabyte is not worth reading.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { addressOf } from '../proxy/authenticate.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { requireRight } from './authorize.ts';
import { type Caller, callerOf } from './callers.ts';
import { bytesOfBody, jsonIn } from './json-body.ts';
import { expressPath, methodNotAllowed } from './paths.ts';
import { proposed } from './proposals.ts';
import { requestIdOf } from './request-ids.ts';
import type { Call, Route } from './route.ts';
import { requireView } from './viewing.ts';

export function routesOf(routes: readonly Route[], app: AppDependencies): Router {
  const router = Router({ strict: false, caseSensitive: true });
  for (const route of routes) {
    const callers = new WeakMap<Request, Caller>();
    const steps = [admitted(route, app, callers), ...(route.body === null ? [] : [bytesOfBody])];
    router[route.method](expressPath(route), ...steps, answered(route, app, callers));
  }
  for (const [path, methods] of methodsByPath(routes)) router.all(path, methodNotAllowed(methods));
  return router;
}

function admitted(route: Route, app: AppDependencies, callers: WeakMap<Request, Caller>): RequestHandler {
  return async (req, _res, next) => {
    callers.set(req, await callerOf(route, app, req));
    next();
  };
}

function answered(route: Route, app: AppDependencies, callers: WeakMap<Request, Caller>): RequestHandler {
  return async (req, res) => {
    const caller = callers.get(req);
    if (caller === undefined) throw new Error(`${route.path} was reached by nobody`);
    const call = callOf(route, app, req, res, caller);
    const orgId = await organizationOf(route, app, call);
    const reach = orgId === null ? app : { ...app, db: app.dbOf(orgId) };
    const reply = (await proposed(route, call, app)) ?? (await route.respond(call, reach));
    res.status(reply.status).set(reply.headers);
    if (reply.chunks === undefined) res.end(reply.text);
    else await passedOn(reply.chunks, res);
  };
}

function callOf(route: Route, app: AppDependencies, req: Request, res: Response, caller: Caller): Call {
  const bytes = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  return {
    ...caller,
    path: req.path,
    askedPath: req.originalUrl,
    params: req.params,
    query: req.query,
    body: route.body === null || route.isPage ? undefined : jsonIn(bytes, req.headers),
    bytes,
    bodyDigest: createHash('sha256').update(bytes).digest(),
    headers: req.headers,
    requestId: requestIdOf(res),
    clientAddress: addressOf(req, app.trustedProxies),
  };
}

/** To whose rows PostgreSQL confines the call; null: to nobody's. That he may call is asked here for every route, so that none forgets it. */
async function organizationOf(route: Route, app: AppDependencies, call: Call): Promise<string | null> {
  const { permission, staffFields } = route;
  const { person, apiKey, body, headers } = call;
  if (apiKey !== null) return apiKey.orgId;
  if (permission === null || person === null) return null;
  const belonging = await route.belonging(call, app);
  const viewed = await requireView(app.db, person, { route, belonging, headers });
  return (await requireRight(app.db, person, { permission, belonging, staffFields, body })) ?? viewed;
}

/** As fast as the client reads. Whoever leaves ends it; what fails after the first byte breaks the connection, so that nobody takes a part for all. */
async function passedOn(chunks: AsyncIterable<string>, res: Response): Promise<void> {
  try {
    await pipeline(Readable.from(chunks), res);
  } catch (error) {
    const hasLeft = Object(error).code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!hasLeft) throw error;
  }
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    const path = expressPath(route);
    methods.set(path, [...(methods.get(path) ?? []), route.method.toUpperCase()]);
  }
  return methods;
}
