// The routes as Express knows them: who calls is found out first, then the body is read, then the route answers. Errors are
// told in the form of the surface: problem details (RFC 9457) on the management API, the caller's dialect under /v1.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import { TollgateError } from '../../domain/errors.ts';
import { clientAddress } from '../../services/api-keys/address-list.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import { newId } from '../../services/platform/ids.ts';
import { authenticate } from '../proxy/authenticate.ts';
import { errorAnswerFor } from '../proxy/surface-errors.ts';
import type { AppDependencies } from './app-dependencies.ts';
import type { Reply } from './reply.ts';
import { InvalidInput, type Route } from './route.ts';

const MOST_BODY_BYTES = 1024 * 1024;
const MANAGEMENT = '/api/v1/';

export function routesOf(routes: readonly Route[], app: AppDependencies): Router {
  const router = Router({ strict: false, caseSensitive: true });
  for (const route of routes) {
    const path = route.path.replace(/\{(\w+)\}/g, ':$1');
    const steps: RequestHandler[] = [admitted(route, app)];
    if (route.body !== null) steps.push(express.raw({ type: () => true, limit: MOST_BODY_BYTES }));
    router[route.method](path, ...steps, answered(route, app));
  }
  for (const [path, methods] of methodsByPath(routes)) router.all(path, methodNotAllowed(methods));
  return router;
}

interface Caller {
  readonly actor: string;
  readonly apiKey: ApiKeyEntry | null;
}

/** Before the body is read: a stranger's megabyte is not worth reading. */
function admitted(route: Route, app: AppDependencies): RequestHandler {
  return async (req, res, next) => {
    res.locals.caller = await callerOf(route, app, req);
    next();
  };
}

async function callerOf(route: Route, app: AppDependencies, req: Request): Promise<Caller> {
  if (route.who === 'public') return { actor: 'public', apiKey: null };
  if (route.who === 'apiKey') {
    const apiKey = await authenticate(app, req);
    return { actor: `api_key:${apiKey.id}`, apiKey };
  }
  if (route.openToLoopback && isLoopback(req, app)) return { actor: 'loopback', apiKey: null };
  const credential = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
  if (credential !== undefined && isSame(credential.trim(), app.adminToken)) return { actor: 'admin', apiKey: null };
  throw new TollgateError(credential === undefined ? 'unauthorized' : 'forbidden', {
    message:
      'This is the management API: send the admin token as "Authorization: Bearer <admin token>". Customer keys do not work here.',
  });
}

/** A proxy in front on the same machine makes everybody look local: then the header says who it was. */
function isLoopback(req: Request, app: AppDependencies): boolean {
  const forwarded = req.headers['x-forwarded-for'];
  const address = clientAddress(
    req.socket.remoteAddress ?? '',
    Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
    app.trustedProxies,
  );
  return address === '127.0.0.1' || address === '::1';
}

/** Digests have one length, so the comparison takes one time. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function answered(route: Route, app: AppDependencies): RequestHandler {
  return async (req, res) => {
    const { actor, apiKey } = res.locals.caller as Caller;
    const bytes = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    const reply = await route.respond(
      {
        path: req.path,
        params: req.params,
        query: req.query,
        body: route.body === null ? undefined : jsonIn(bytes, req.headers),
        bodyDigest: createHash('sha256').update(bytes).digest(),
        headers: req.headers,
        requestId: res.locals.requestId as string,
        actor,
        apiKey,
      },
      app,
    );
    send(res, reply);
  };
}

function jsonIn(bytes: Buffer, headers: IncomingHttpHeaders): unknown {
  if (bytes.length === 0) return undefined;
  const contentType = headers['content-type'] ?? 'application/json';
  if (!/^application\/([\w.-]+\+)?json\b/i.test(contentType)) {
    throw new TollgateError('unsupported_content_type', {
      message: `Send application/json, not ${contentType.slice(0, 80)}.`,
    });
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new TollgateError('invalid_json', {
      message: `The body is not valid JSON: ${error instanceof Error ? error.message : error}`,
    });
  }
}

function send(res: Response, reply: Reply): void {
  res.status(reply.status).set(reply.headers);
  res.end(reply.text);
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const pattern = path.replace(/\{(\w+)\}/g, ':$1');
    methods.set(pattern, [...(methods.get(pattern) ?? []), method.toUpperCase()]);
  }
  return methods;
}

function methodNotAllowed(methods: readonly string[]): RequestHandler {
  return (req, res) => {
    res.set('allow', methods.join(', '));
    throw new TollgateError('method_not_allowed', {
      message: `${req.method} is not possible here; use ${methods.join(' or ')}.`,
    });
  };
}

/** The first thing on every request that is not the hot path. */
export function named(): RequestHandler {
  return (_req, res, next) => {
    const requestId = newId();
    res.locals.requestId = requestId;
    res.set({
      'x-request-id': requestId,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    next();
  };
}

export function nothingHere(): RequestHandler {
  return (req) => {
    throw new TollgateError('route_not_found', {
      message: `There is nothing at ${req.method} ${req.path.slice(0, 200)}. The API is under /v1 (POST /v1/chat/completions, GET /v1/models), management under /api/v1 (GET /api/v1/openapi.json).`,
    });
  };
}

export function errorsTold(app: AppDependencies): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    const error = asTold(thrown);
    const requestId = res.locals.requestId as string;
    if (error.code === 'internal_error') app.log.error({ requestId, path: req.path, err: thrown }, 'request_failed');
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (req.path.startsWith(MANAGEMENT)) problem(res, error, requestId);
    else {
      const { status, headers, body } = errorAnswerFor(req.headers, req.path, error, requestId);
      res.status(status).set(headers);
      res.end(body);
    }
  };
}

function asTold(thrown: unknown): TollgateError {
  if (thrown instanceof TollgateError) return thrown;
  const status = thrown instanceof Error && 'status' in thrown ? thrown.status : undefined;
  if (status === 413)
    return new TollgateError('body_too_large', {
      message: `The body is larger than ${MOST_BODY_BYTES} bytes, the most that the management API takes.`,
    });
  if (status === 415)
    return new TollgateError('unsupported_content_type', {
      message: 'Compressed bodies in this encoding are not accepted: send the JSON as it is.',
    });
  if (status === 400)
    return new TollgateError('invalid_json', {
      message: 'The request ended early or its path cannot be decoded: send it again.',
    });
  return new TollgateError('internal_error', {
    message: 'Something went wrong here; it has been logged. Nothing was changed.',
    cause: thrown,
  });
}

/** RFC 9457. `type` names the code; the detail says how to go on. */
function problem(res: Response, error: TollgateError, requestId: string): void {
  const { status } = error.kind;
  const { param, retryAfterMs, message } = error.details;
  if (retryAfterMs !== undefined) res.set('retry-after', String(Math.ceil(retryAfterMs / 1000)));
  if (status === 401) res.set('www-authenticate', 'Bearer realm="tollgate management"');
  const errors =
    error instanceof InvalidInput ? error.problems : param === undefined ? [] : [{ field: param, message }];
  res.status(status).set('content-type', 'application/problem+json');
  res.end(
    JSON.stringify({
      type: `urn:tollgate:error:${error.code}`,
      title: error.code.replaceAll('_', ' '),
      status,
      code: error.code,
      detail: message,
      instance: `urn:uuid:${requestId}`,
      requestId,
      ...(errors.length === 0 ? {} : { errors }),
    }),
  );
}
