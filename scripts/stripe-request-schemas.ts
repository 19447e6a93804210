// Makes test/support/fake-stripe/wire/request-schemas.json anew from Stripe's OpenAPI document, after an upgrade or for a new route:
//   go mod download github.com/stripe/stripe-mock@v0.203.0
//   node scripts/stripe-request-schemas.ts "$(go env GOMODCACHE)/github.com/stripe/stripe-mock@v0.203.0/embedded/openapi/spec3.json"
// Only names, types, lists and lengths are kept, of the operations that the fake serves.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { ROUTES } from '../test/support/fake-stripe/routes.ts';
import { ALWAYS_SERVED } from '../test/support/fake-stripe/wire/parameters.ts';
import { SCHEMA_FILE } from '../test/support/fake-stripe/wire/request-schemas.ts';
import type { Route } from '../test/support/fake-stripe/wire/route.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

interface OpenApi {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Json }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: BodySchema }>> };
}

interface BodySchema {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
}

const KEPT = ['type', 'anyOf', 'enum', 'maxLength', 'items', 'properties', 'required'];

function cut(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(cut);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([name]) => KEPT.includes(name));
  const free = Object.entries(schema).filter(([name, value]) => name === 'additionalProperties' && value !== false);
  return Object.fromEntries(
    [...kept, ...free].map(([name, value]) => [name, name === 'properties' ? each(value) : cut(value)]),
  );
}

/** Parameters may be named like what is cut away. */
function each(properties: Json): Json {
  return Object.fromEntries(Object.entries(properties ?? {}).map(([name, schema]) => [name, cut(schema)]));
}

function requestSchema({ operation, serves }: Route, { parameters = [], requestBody }: Operation): Json {
  const taken = [...serves, ...ALWAYS_SERVED];
  if (operation.startsWith('POST ')) {
    const body = requestBody?.content['application/x-www-form-urlencoded']?.schema;
    return withParameters(body?.properties ?? {}, taken, body?.required ?? []);
  }
  const query = parameters.filter((parameter) => parameter.in === 'query');
  return withParameters(Object.fromEntries(query.map(({ name, schema }) => [name, schema])), taken, []);
}

/** Of what the fake does not serve the name is enough. */
function withParameters(
  all: Readonly<Record<string, Json>>,
  taken: readonly string[],
  required: readonly string[],
): Json {
  const properties = Object.entries(all).map(([name, schema]) => [name, taken.includes(name) ? cut(schema) : {}]);
  return { type: 'object', required, properties: Object.fromEntries(properties) };
}

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('Which document? node scripts/stripe-request-schemas.ts <spec3.json>');
const text = readFileSync(path, 'utf8');
const document: OpenApi = JSON.parse(text);
const operations = ROUTES.map((route) => {
  const { operation } = route;
  const [method = '', template = ''] = operation.split(' ');
  const found = document.paths[template]?.[method.toLowerCase()];
  if (found === undefined) throw new Error(`The document has no ${operation}`);
  return [operation, requestSchema(route, found)] as const;
});
const source = `stripe-mock v0.203.0 embedded/openapi/spec3.json, API ${document.info.version}, MIT licence, (c) Stripe, Inc., sha256 ${createHash('sha256').update(text).digest('hex')}`;
const lines = operations.map(([name, schema]) => `    ${JSON.stringify(name)}: ${JSON.stringify(schema)}`);
writeFileSync(
  SCHEMA_FILE,
  `{\n  "source": ${JSON.stringify(source)},\n  "operations": {\n${lines.join(',\n')}\n  }\n}\n`,
);
