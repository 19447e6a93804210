// The OpenAPI 3.1 document, made from the very schemas that check requests and shape answers: it cannot drift from them.
import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { JSON_TYPE } from './reply.ts';
import { operatorRead, type Route } from './route.ts';

const SECURITY = { admin: [{ adminToken: [] }], apiKey: [{ apiKey: [] }], public: [] };

function openapiDocument(routes: readonly Route[]): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'adminToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'The admin token',
  });
  registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'A customer’s API key, sk-tg-...',
  });
  for (const route of routes) registry.registerPath(pathOf(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version: '1',
      description:
        'Money is a decimal string of nano-USD (1e-9 USD). Errors of /api/v1 are problem details (RFC 9457).',
    },
    servers: [{ url: '/' }],
  });
}

function pathOf(route: Route): Parameters<OpenAPIRegistry['registerPath']>[0] {
  const { method, path, summary, params, query, body, response, status, who, ifMatch } = route;
  const form = who === 'admin' ? 'application/problem+json' : 'application/json';
  const headers = {
    ...(ifMatch === null ? {} : { 'If-Match': ifMatch === 'required' ? IfMatchHeader : IfMatchHeader.optional() }),
    ...(method === 'post' ? { 'Idempotency-Key': IdempotencyKeyHeader } : {}),
  };
  return {
    method,
    path,
    summary,
    security: SECURITY[who],
    request: {
      params,
      query,
      ...(Object.keys(headers).length === 0 ? {} : { headers: z.object(headers) }),
      ...(body === null ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: {
      [status]: {
        description: 'Done',
        content: { [path === '/metrics' ? 'text/plain' : 'application/json']: { schema: response } },
      },
      default: {
        description: 'Refused; the body says why and how to go on',
        content: { [form]: { schema: who === 'admin' ? Problem : z.unknown() } },
      },
    },
  };
}

const IfMatchHeader = z.string().meta({ description: 'The ETag that the change was decided on, or *' });
const IdempotencyKeyHeader = z
  .string()
  .optional()
  .meta({ description: 'A repetition with the same key and body within 24 h is told what the first request was told' });
const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    instance: z.string().meta({ description: 'The request id' }),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

/** Its own route too, hence the function. */
export function openapiRoute(routes: () => readonly Route[]): Route {
  let text: string | null = null;
  return operatorRead({
    path: '/api/v1/openapi.json',
    who: 'public',
    summary: 'This document',
    response: z.object({ openapi: z.string() }),
    handler: async () => {
      text ??= JSON.stringify(openapiDocument(routes()));
      return { status: 200, headers: { 'content-type': JSON_TYPE }, text };
    },
  });
}
