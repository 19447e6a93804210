// Which parameters each operation takes: the request schemas of Stripe's own OpenAPI document as shipped in stripe-mock v0.203.0
// (MIT, (c) Stripe, Inc.), cut down by scripts/stripe-request-schemas.ts, with the corrections of sdk-differences.ts laid over.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ParameterSchema } from './parameter-schema.ts';
import { ADDED } from './sdk-differences.ts';

interface SchemaFile {
  readonly source: string;
  readonly operations: Readonly<Record<string, ParameterSchema>>;
}

export const SCHEMA_FILE = join(import.meta.dirname, 'request-schemas.json');

/** As Stripe's document has them. */
export function rawSchemas(): Map<string, ParameterSchema> {
  const file: SchemaFile = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'));
  return new Map(Object.entries(file.operations));
}

export function requestSchemas(): Map<string, ParameterSchema> {
  const schemas = rawSchemas();
  for (const { operation, path, schema } of ADDED) {
    for (const [name, found] of schemas) {
      if (operation.test(name)) schemas.set(name, withParameter(found, path, schema));
    }
  }
  return schemas;
}

function withParameter(
  to: ParameterSchema,
  [name = '', ...rest]: readonly string[],
  added: ParameterSchema,
): ParameterSchema {
  if (to.anyOf !== undefined) {
    return {
      ...to,
      anyOf: to.anyOf.map((one) => (one.type === 'object' ? withParameter(one, [name, ...rest], added) : one)),
    };
  }
  const inner = rest.length === 0 ? added : withParameter(to.properties?.[name] ?? {}, rest, added);
  return { ...to, properties: { ...to.properties, [name]: inner } };
}
