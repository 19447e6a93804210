// The parameters that the SDK's types allow, next to those that the extract of Stripe's OpenAPI document allows: every name and every
// value of a list that only one of the two knows, for what the fake serves.
import { join } from 'node:path';
import ts from 'typescript';
import type { ParameterSchema } from '../support/fake-stripe/wire/parameter-schema.ts';
import type { Route } from '../support/fake-stripe/wire/route.ts';

/** operation -> the name of its parameters' type in the namespace Stripe */
type TypeNames = Readonly<Record<string, string>>;

export interface Difference {
  readonly operation: string;
  readonly path: string;
  readonly onlyIn: 'extract' | 'sdk';
}

export interface SdkTypes {
  readonly checker: ts.TypeChecker;
  readonly types: ReadonlyMap<string, ts.Type>;
}

export function differences(
  routes: readonly Route[],
  { checker, types }: SdkTypes,
  schemas: ReadonlyMap<string, ParameterSchema>,
): Difference[] {
  return routes.flatMap((route) => {
    const [type, schema] = [types.get(route.operation), schemas.get(route.operation)];
    if (type === undefined || schema === undefined)
      throw new Error(`nobody knows the parameters of ${route.operation}`);
    const served = new Set(route.serves);
    return [...compared(checker, [type], [schema], '')]
      .filter(({ path }) => served.has(path.split(/[.=[]/, 1)[0] ?? ''))
      .map(({ path, onlyIn }) => ({ operation: route.operation, path, onlyIn }));
  });
}

export function sdkTypes(typeNames: TypeNames): SdkTypes {
  const names = Object.entries(typeNames);
  const text = names.map(([, name], at) => `export declare const p${at}: Stripe.${name};`).join('\n');
  const file = join(import.meta.dirname, 'declared-in-memory.ts');
  const options: ts.CompilerOptions = { strict: true, module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: [] };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (path) => path === file || fileExists.call(host, path);
  host.getSourceFile = (path, ...rest) =>
    path === file
      ? ts.createSourceFile(file, `import type Stripe from 'stripe';\n${text}`, ts.ScriptTarget.Latest)
      : getSourceFile.call(host, path, ...rest);
  const program = ts.createProgram([file], options, host);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const symbol = source && checker.getSymbolAtLocation(source);
  const types = new Map<string, ts.Type>();
  for (const declared of symbol === undefined ? [] : checker.getExportsOfModule(symbol)) {
    const [operation = ''] = names[Number(declared.name.slice(1))] ?? [];
    types.set(operation, checker.getTypeOfSymbol(declared));
  }
  return { checker, types };
}

function* compared(
  checker: ts.TypeChecker,
  types: readonly ts.Type[],
  schemas: readonly ParameterSchema[],
  path: string,
): Generator<Omit<Difference, 'operation'>> {
  const [members, shapes] = [types.flatMap(alternatives), schemas.flatMap((schema) => schema.anyOf ?? [schema])];
  yield* comparedNames(
    `${path}=`,
    members.flatMap((type) => (type.isStringLiteral() ? [type.value] : [])),
    shapes.flatMap((shape) => shape.enum ?? []),
  );
  const lists = members.filter((type) => checker.isArrayType(type));
  const items = shapes.flatMap(({ items: item }) => (item === undefined ? [] : [item]));
  if (lists.length > 0 && items.length > 0) {
    const itemTypes = lists.flatMap((type) => checker.getTypeArguments(type as ts.TypeReference));
    yield* compared(checker, itemTypes, items, `${path}[]`);
  }
  const objects = members.filter((type) => isObject(type) && !checker.isArrayType(type));
  const known = shapes.filter(({ properties }) => properties !== undefined);
  if (objects.length > 0 && known.length > 0) yield* comparedMembers(checker, objects, known, path);
}

function* comparedMembers(
  checker: ts.TypeChecker,
  objects: readonly ts.Type[],
  shapes: readonly ParameterSchema[],
  path: string,
): Generator<Omit<Difference, 'operation'>> {
  const inSdk = new Map<string, ts.Type[]>();
  for (const member of objects.flatMap((type) => type.getProperties())) {
    inSdk.set(member.name, [...(inSdk.get(member.name) ?? []), checker.getTypeOfSymbol(member)]);
  }
  const inExtract = new Map<string, ParameterSchema[]>();
  for (const [name, schema] of shapes.flatMap(({ properties = {} }) => Object.entries(properties))) {
    inExtract.set(name, [...(inExtract.get(name) ?? []), schema]);
  }
  const prefix = path === '' ? '' : `${path}.`;
  yield* comparedNames(prefix, [...inSdk.keys()], [...inExtract.keys()]);
  for (const [name, types] of inSdk) {
    const schemas = inExtract.get(name);
    if (schemas !== undefined) yield* compared(checker, types, schemas, `${prefix}${name}`);
  }
}

/** Where one side has no list, it takes any text. '' only unsets. */
function* comparedNames(
  prefix: string,
  sdk: readonly string[],
  extract: readonly string[],
): Generator<Omit<Difference, 'operation'>> {
  if (sdk.length === 0 || extract.length === 0) return;
  const [one, other] = [new Set(sdk), new Set(extract)];
  for (const name of one) if (name !== '' && !other.has(name)) yield { path: `${prefix}${name}`, onlyIn: 'sdk' };
  for (const name of other) if (name !== '' && !one.has(name)) yield { path: `${prefix}${name}`, onlyIn: 'extract' };
}

function alternatives(type: ts.Type): ts.Type[] {
  return type.isUnion() ? type.types.flatMap(alternatives) : [type];
}

function isObject(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.Object) !== 0;
}
