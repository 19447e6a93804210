// Paths as people and clients write them. Base URLs are configured with and without /v1, doubled, under /api: what a customer
// reads works under all of them, as the hot path does (ecosystem.md 2.1). What is still wrong is told the right path.
import type { RequestHandler } from 'express';
import { TollgateError } from '../../domain/errors.ts';
import { HOT_PATHS } from '../proxy/hot-routes.ts';
import { hasCustomerKey } from './callers.ts';
import type { Route } from './route.ts';

const PREFIXES = ['/v1/v1/', '/api/v1/', '/v1beta/', '/'];

/** Express writes {id} as :id. */
export function expressPath({ path }: Route): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** Rewrites the URL of a customer's read to its one path, before any route is matched. */
export function forgivingPaths(routes: readonly Route[]): RequestHandler {
  const matches = (who: Route['who']) => {
    const patterns = routes.filter((route) => route.who === who).map(patternOf);
    return (path: string) => patterns.some((pattern) => pattern.test(path));
  };
  const isRead = matches('apiKey');
  const isManagement = matches('permitted');
  return (req, _res, next) => {
    const path = withWholeModelId(req.path.replace(/\/{2,}/g, '/'));
    // GET /api/v1/models is a route of the management API too: there the key decides who is meant.
    const isOurs = isManagement(path) && !(req.method === 'GET' && hasCustomerKey(req.headers));
    const right = isOurs ? undefined : PREFIXES.flatMap((prefix) => spelled(path, prefix)).find(isRead);
    const wanted = isRead(path) || right === undefined ? path : right;
    if (wanted !== req.path) req.url = wanted + req.url.slice(req.path.length);
    next();
  };
}

function spelled(path: string, prefix: string): string[] {
  return path.startsWith(prefix) ? [`/v1/${path.slice(prefix.length)}`] : [];
}

/** Ids of models hold slashes, which not every client encodes. */
function withWholeModelId(path: string): string {
  const [, list, modelId] = /^((?:\/api)?(?:\/v1(?:beta)?){0,2}\/models\/)(.+\/.+?)\/?$/.exec(path) ?? [];
  if (list === undefined || modelId === undefined || (list.startsWith('/api/') && modelId.endsWith('/prices')))
    return path;
  return list + modelId.replaceAll('/', '%2F');
}

function patternOf({ path }: Route): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}/?$`);
}

export function methodNotAllowed(methods: readonly string[]): RequestHandler {
  return (req, res) => {
    res.set('allow', methods.join(', '));
    throw new TollgateError('method_not_allowed', {
      message: `${req.method} is not possible at ${req.path.slice(0, 200)}; use ${methods.join(' or ')}.`,
    });
  };
}

export function nothingHere(routes: readonly Route[]): RequestHandler {
  const known = [
    ...HOT_PATHS.map((path) => ({ method: 'POST', path })),
    ...routes.map(({ method, path }) => ({ method: method.toUpperCase(), path })),
  ];
  return (req, res, next) => {
    const path = req.path.replace(/(.)\/+$/, '$1').slice(0, 200);
    const hot = [path, ...PREFIXES.flatMap((prefix) => spelled(path, prefix))].find((one) => HOT_PATHS.includes(one));
    if (hot !== undefined) return methodNotAllowed(['POST'])(req, res, next);
    const near = nearest(path, known);
    const advice =
      near === null
        ? 'The API is under /v1 (POST /v1/chat/completions, GET /v1/models), management under /api/v1 (GET /api/v1/openapi.json).'
        : `Did you mean ${near.method} ${near.path}?`;
    throw new TollgateError('route_not_found', { message: `There is nothing at ${req.method} ${path}. ${advice}` });
  };
}

interface Known {
  readonly method: string;
  readonly path: string;
}

/** One that the path ends with (a foreign prefix), else the one with the fewest typing errors, if they are few. */
function nearest(path: string, known: readonly Known[]): Known | null {
  const tails = known.filter((one) => path.endsWith(one.path.replace(/^\/(api\/)?v1/, '')));
  const [longest] = tails.sort((a, b) => b.path.length - a.path.length);
  if (longest !== undefined && longest.path.length > 4) return longest;
  let best: Known | null = null;
  let fewest = Math.min(4, Math.floor(path.length / 3)) + 1;
  for (const one of known) {
    const errors = typingErrors(path, one.path);
    if (errors < fewest) [best, fewest] = [one, errors];
  }
  return best;
}

/** Levenshtein's distance, row by row. */
function typingErrors(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
