// Every request that is not the hot path gets its id and the headers of every answer before anything else happens to it.
import type { RequestHandler, Response } from 'express';
import { newId } from '../../services/platform/ids.ts';
import { CLIENT_REQUEST_ID, clientRequestIdIn } from '../proxy/client-request-id.ts';

// An API answers no browser's page: nothing may be loaded by it, framed, sniffed, or kept (R-NET-9).
export const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

const ids = new WeakMap<Response, string>();

export function named(): RequestHandler {
  return (req, res, next) => {
    const requestId = newId();
    ids.set(res, requestId);
    res.set({ ...ALWAYS, 'x-request-id': requestId });
    const clientsOwn = clientRequestIdIn(req.headers);
    if (clientsOwn !== null) res.set(CLIENT_REQUEST_ID, clientsOwn);
    if (req.headers['anthropic-version'] !== undefined) res.set('request-id', requestId);
    next();
  };
}

export function requestIdOf(res: Response): string {
  return ids.get(res) ?? newId();
}
