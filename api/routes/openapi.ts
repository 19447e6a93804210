// The OpenAPI 3.1 document, made from the very schemas that check requests and shape answers: it cannot drift from them.
import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { speaksProblems } from './error-answers.ts';
import { API_KEY_SCHEMES, API_KEY_SECURITY, CustomerError, hotOperations } from './hot-operations.ts';
import { Proposal } from './proposals.ts';
import { JSON_TYPE } from './reply.ts';
import { operatorRead, type Route } from './route.ts';

const SESSION = [{ session: [] }];
const SECURITY = {
  permitted: [{ adminToken: [] }, ...SESSION],
  apiKey: API_KEY_SECURITY,
  person: SESSION,
  public: [],
};

export function openapiDocument(routes: readonly Route[]): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'adminToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'The admin token',
  });
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-tollgate_session',
    description:
      'A person who has signed in; where the product is reached by plain http the cookie is called tollgate_session. What changes something is taken from its own pages alone: with their Origin, and as application/json.',
  });
  for (const [name, scheme] of Object.entries(API_KEY_SCHEMES)) {
    registry.registerComponent('securitySchemes', name, scheme);
  }
  for (const operation of hotOperations()) registry.registerPath(operation);
  for (const route of routes) registry.registerPath(pathOf(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version: '1',
      description:
        'Money is a decimal string of nano-USD (1e-9 USD). Errors of /api/v1 are problem details (RFC 9457), those of /v1 have the form of the caller’s client.',
    },
    servers: [{ url: '/' }],
  });
}

function pathOf(route: Route): Parameters<OpenAPIRegistry['registerPath']>[0] {
  const {
    method,
    path,
    summary,
    params,
    query,
    body,
    response,
    status,
    who,
    ifMatch,
    changes,
    mayGoOn,
    mayTakeTwo,
    isPage,
  } = route;
  const answersIn = path === '/metrics' ? ['text/plain'] : route.answersIn;
  const isProblem = who === 'permitted' || speaksProblems(path);
  const form = isProblem ? 'application/problem+json' : 'application/json';
  const headers = {
    ...(ifMatch === null ? {} : { 'If-Match': ifMatch === 'required' ? IfMatchHeader : IfMatchHeader.optional() }),
    ...(method === 'post' && changes ? { 'Idempotency-Key': IdempotencyKeyHeader } : {}),
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
      ...(body === null
        ? {}
        : { body: bodyOf(body, isPage ? 'application/x-www-form-urlencoded' : 'application/json') }),
    },
    responses: {
      [status]: {
        description: 'Done',
        content: Object.fromEntries(answersIn.map((mediaType) => [mediaType, { schema: response }])),
      },
      ...(mayGoOn ? { 202: { ...ACCEPTED, content: { 'application/json': { schema: response } } } } : {}),
      ...(mayTakeTwo ? { 202: { ...WAITS_FOR_A_SECOND, content: { 'application/json': { schema: Proposal } } } } : {}),
      default: {
        description: 'Refused; the body says why and how to go on',
        content: isPage
          ? { 'text/html': { schema: response } }
          : { [form]: { schema: isProblem ? Problem : CustomerError } },
      },
    },
  };
}

const WAITS_FOR_A_SECOND = { description: 'Not done: another person has to approve it' };

const ACCEPTED = {
  description: 'Not done yet, and it goes on: ask where Location says',
  headers: z.object({
    Location: z.string().meta({ description: 'GET it to be told what has come of this' }),
    'Retry-After': z.string().meta({ description: 'Seconds' }),
  }),
};

/** What has a default may be left out. */
function bodyOf(schema: z.ZodType, mediaType: string) {
  const required = !schema.safeParse(undefined).success;
  return { required, content: { [mediaType]: { schema } } };
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
    permission: null,
    summary: 'This document',
    response: z.object({ openapi: z.string() }),
    handler: async () => {
      text ??= JSON.stringify(openapiDocument(routes()));
      return { status: 200, headers: { 'content-type': JSON_TYPE }, text };
    },
  });
}
