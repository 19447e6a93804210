// Parameters are read by the schema of their operation and by nothing else: what is unknown, missing, of a wrong type or not in its
// list is refused with the error that Stripe has for it. Behind this the types of the SDK are true.
import type { FormNode } from './form.ts';
import type { ParameterSchema } from './parameter-schema.ts';
import { invalid, notServed, type Refusal } from './refusals.ts';
import { REMOVED } from './sdk-differences.ts';

export type Parameters = Readonly<Record<string, unknown>>;

/** Every operation has them. */
export const ALWAYS_SERVED = ['ending_before', 'expand', 'limit', 'starting_after'];

export function readParameters(
  operation: string,
  schema: ParameterSchema,
  serves: readonly string[],
  form: FormNode,
): Parameters {
  if (form.parts.has(REMOVED.parameter) && REMOVED.operation.test(operation)) {
    const message =
      'The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or dynamic payment methods.';
    throw invalid(message, { code: REMOVED.code, param: REMOVED.parameter });
  }
  for (const name of form.parts.keys()) {
    const isKnown = Object.hasOwn(schema.properties ?? {}, name);
    if (isKnown && !serves.includes(name) && !ALWAYS_SERVED.includes(name)) throw notServed(`${name} of ${operation}`);
  }
  return readObject(schema, form, '');
}

function readObject(schema: ParameterSchema, node: FormNode, path: string): Parameters {
  const named = (name: string) => (path === '' ? name : `${path}[${name}]`);
  const missing = schema.required?.find((name) => !node.parts.has(name));
  if (missing !== undefined) {
    throw invalid(`Missing required param: ${named(missing)}.`, { code: 'parameter_missing', param: named(missing) });
  }
  const read: Record<string, unknown> = {};
  for (const [name, part] of node.parts) {
    const known = Object.hasOwn(schema.properties ?? {}, name)
      ? schema.properties?.[name]
      : schema.additionalProperties;
    if (known === undefined) throw unknownParameter(named(name));
    read[name] = readValue(known, part, named(name), schema.additionalProperties === undefined);
  }
  return read;
}

function readValue(schema: ParameterSchema, node: FormNode, path: string, isNamed: boolean): unknown {
  if (schema.anyOf !== undefined) return readAny(schema.anyOf, node, path);
  if (schema.type === 'object') {
    if (node.text !== null) throw invalid('Invalid object', { param: path });
    return readObject(schema, node, path);
  }
  if (schema.type === 'array') {
    if (node.text !== null) throw invalid('Invalid array', { param: path });
    return [...node.parts].map(([at, part]) => readValue(schema.items ?? {}, part, `${path}[${at}]`, true));
  }
  if (node.text === null) throw invalid(`Invalid ${schema.type ?? 'string'}: ${path}`, { param: path });
  return readScalar(schema, node.text, path, isNamed);
}

/** The first alternative that takes it; otherwise what the one of its own shape says against it. */
function readAny(alternatives: readonly ParameterSchema[], node: FormNode, path: string): unknown {
  let refusal: unknown = null;
  for (const schema of alternatives) {
    try {
      return readValue(schema, node, path, true);
    } catch (error) {
      const isOfItsShape = (schema.type === 'object' || schema.type === 'array') === (node.text === null);
      if (refusal === null || isOfItsShape) refusal = error;
    }
  }
  throw refusal;
}

function readScalar(schema: ParameterSchema, text: string, path: string, isNamed: boolean): unknown {
  if (schema.enum !== undefined && !schema.enum.includes(text)) throw notInList(schema.enum, path);
  switch (schema.type) {
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw invalid(`Invalid boolean: ${text}`, { param: path });
      return text === 'true';
    case 'integer':
      if (!/^-?\d{1,15}$/.test(text)) {
        throw invalid(`Invalid integer: ${text}`, { code: 'parameter_invalid_integer', param: path });
      }
      return Number(text);
    case 'number':
      if (!/^-?\d+(\.\d+)?$/.test(text)) throw invalid(`Invalid decimal: ${text}`, { param: path });
      return Number(text);
    default:
      return readText(schema, text, path, isNamed);
  }
}

const TEXT_LENGTH_MAX = 5000;

function readText(schema: ParameterSchema, text: string, path: string, isNamed: boolean): string {
  if (text === '' && schema.enum === undefined && isNamed) {
    const message =
      `You passed an empty string for '${path}'. We assume empty values are an attempt to unset a field; however '${path}' ` +
      'cannot be unset. You should remove it from your request or supply a non-empty value.';
    throw invalid(message, { code: 'parameter_invalid_empty', param: path });
  }
  const longest = schema.maxLength ?? TEXT_LENGTH_MAX;
  if (text.length > longest) {
    throw invalid(`Invalid string: ${text.slice(0, 20)}...; must be at most ${longest} characters`, { param: path });
  }
  return text;
}

function notInList(list: readonly string[], path: string): Refusal {
  const named = list.filter((value) => value !== '');
  const told = named.length === 1 ? named[0] : `one of ${named.slice(0, -1).join(', ')} or ${named.at(-1)}`;
  return invalid(`Invalid ${path}: must be ${told}`, { param: path });
}

function unknownParameter(path: string): Refusal {
  return invalid(`Received unknown parameter: ${path}`, { code: 'parameter_unknown', param: path });
}
