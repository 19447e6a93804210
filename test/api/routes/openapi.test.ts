// The OpenAPI document is made from the schemas that validate. What would make it lie is looked for here.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ROUTES } from '../../../api/app.ts';
import { HOT_PATHS } from '../../../api/proxy/hot-routes.ts';
import { type ManagementApp, startManagementApp } from './management-app.ts';

// The parts of OpenAPI 3.1 that a generator of clients stumbles over when they are missing or of another kind.
const Schema = z.looseObject({ $ref: z.string().startsWith('#/components/schemas/').optional() });
const Content = z.record(z.string().includes('/'), z.strictObject({ schema: Schema.optional() }));
const Parameter = z.looseObject({
  name: z.string().min(1),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().optional(),
  schema: Schema,
});
const Operation = z.looseObject({
  summary: z.string().min(5),
  security: z.array(
    z.partialRecord(z.enum(['adminToken', 'apiKey', 'xApiKey', 'xGoogApiKey', 'session']), z.array(z.string())),
  ),
  parameters: z.array(Parameter).optional(),
  requestBody: z.strictObject({ required: z.boolean(), content: Content }).optional(),
  responses: z.record(
    z.string().regex(/^(default|\d{3})$/),
    z.looseObject({ description: z.string(), content: Content.optional() }),
  ),
});
const Document = z.looseObject({
  openapi: z.literal('3.1.0'),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string().startsWith('/'), z.partialRecord(z.enum(['get', 'post', 'patch']), Operation)),
  components: z.looseObject({
    schemas: z.record(z.string(), Schema),
    securitySchemes: z.record(z.string(), z.unknown()),
  }),
});

let app: ManagementApp;
let text: string;
let document: z.infer<typeof Document>;

beforeAll(async () => {
  app = await startManagementApp();
  const answer = await app.call('get', '/api/v1/openapi.json', { credential: null });
  text = answer.text;
  document = Document.parse(answer.body);
});
afterAll(() => app.close());

test('every route is in the document, the hot paths with them, and nothing else is', () => {
  const described = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  const hot = HOT_PATHS.map((path) => `post ${path}`);
  expect(described.sort()).toEqual([...ROUTES.map(({ method, path }) => `${method} ${path}`), ...hot].sort());
});

test('every reference leads to a schema that is there', () => {
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name = '']) => name);
  expect(references.length).toBeGreaterThan(20);
  for (const name of references) expect(Object.keys(document.components.schemas)).toContain(name);
});

test('every parameter in a path is described and required, and every change says what it needs', () => {
  for (const { method, path, changes, ifMatch, body } of ROUTES) {
    const operation = document.paths[path]?.[method];
    const parameters = operation?.parameters ?? [];
    const inPath = parameters.filter((one) => one.in === 'path' && one.required === true).map(({ name }) => name);
    expect([path, inPath.sort()]).toEqual([path, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()]);
    const headers = parameters.filter((one) => one.in === 'header').map(({ name }) => name);
    const seen = parameters.find(({ name }) => name === 'If-Match');
    expect([path, seen && (seen.required ? 'required' : 'optional')]).toEqual([path, ifMatch ?? undefined]);
    expect([path, headers.includes('Idempotency-Key')]).toEqual([path, changes && method === 'post']);
    expect([path, operation?.requestBody !== undefined]).toEqual([path, body !== null]);
  }
});

test('a hot path takes a key in each of the three headers and anything that its provider takes, and refuses in its form', () => {
  for (const path of HOT_PATHS) {
    const operation = document.paths[path]?.post;
    expect(operation?.security.flatMap((one) => Object.keys(one))).toEqual(['apiKey', 'xApiKey', 'xGoogApiKey']);
    const { schema } = operation?.requestBody?.content['application/json'] ?? {};
    expect(schema).toMatchObject({ required: ['model'], additionalProperties: {} });
    const refusal = JSON.stringify(operation?.responses.default);
    expect(refusal).toContain(path.includes('/messages') ? 'AnthropicError' : 'OpenAiError');
  }
});

test('a body that has a default may be left out', () => {
  expect(document.paths['/api/v1/channels/{id}/test']?.post?.requestBody?.required).toBe(false);
  expect(document.paths['/api/v1/grants']?.post?.requestBody?.required).toBe(true);
});

test('money is a string and an unknown field is not allowed, in the document as in the validation', () => {
  const schema = JSON.stringify(document.paths['/api/v1/grants']?.post?.requestBody);
  expect(schema).toContain('"additionalProperties":false');
  expect(schema).toMatch(/"amountNano":\{"type":"string","pattern":/);
  expect(JSON.stringify(document.paths['/v1/key'])).toMatch(/"usage":\{"type":"number"/);
});

test('what may wait for a second person says so, and nothing else does', () => {
  const { paths } = Document.parse(JSON.parse(text));
  const waiting = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      JSON.stringify(responses['202'] ?? '').includes('/Proposal"') ? [`${method} ${path}`] : [],
    ),
  );

  expect(waiting.sort()).toEqual([
    'patch /api/v1/organizations/{id}',
    'patch /api/v1/organizations/{orgId}/contract',
    'patch /api/v1/persons/{id}',
    'post /api/v1/bank-transfers/{id}/reversals',
    'post /api/v1/grants',
    'post /api/v1/invoices/{id}/bank-transfers',
    'post /api/v1/invoices/{id}/dunning/decide-stop',
    'post /api/v1/master-keys/{version}/destroy',
    'post /api/v1/models',
    'post /api/v1/models/{id}/prices',
    'post /api/v1/organizations/{orgId}/contract',
    'post /api/v1/persons/{id}/second-factor/remove',
    'post /api/v1/persons/{id}/staff-roles',
    'post /api/v1/projects/{id}/prices',
  ]);
});
