// The checkout as the house rules read it: every text file that a person wrote, by its path. A rule is a function of it, so that
// a violation can be planted in memory, and the rule shown to bite.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Path below the root -> text. */
export type Tree = ReadonlyMap<string, string>;

export interface Finding {
  readonly file: string;
  readonly what: string;
}

export type Rule = (tree: Tree) => readonly Finding[];

const WRITTEN = '**/*.{ts,tsx,css,mjs,cjs,sql,md,json,c,lua,conf}';
const NOT_WRITTEN = [
  'node_modules',
  '.git',
  '.tollgate',
  'bench/out',
  'console/dist',
  'console/generated',
  'package-lock.json',
];

export function readTree(root: string): Tree {
  const files = globSync(WRITTEN, { cwd: root, exclude: NOT_WRITTEN }).sort();
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

/** Room and kind, as in `filesOf(tree, /^services\/.*[.]ts$/)`. */
export function filesOf(tree: Tree, path: RegExp): [file: string, text: string][] {
  return [...tree].filter(([file]) => path.test(file));
}

export function textOf(tree: Tree, file: string): string {
  const text = tree.get(file);
  if (text === undefined) throw new Error(`there is no ${file}`);
  return text;
}

const parsed = new Map<string, ts.SourceFile>();

/** Every planted violation changes one file: the others are parsed once. */
export function syntaxOf(file: string, text: string): ts.SourceFile {
  const known = parsed.get(file);
  if (known?.text === text) return known;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  parsed.set(file, source);
  return source;
}

export function nodesOf(source: ts.SourceFile): ts.Node[] {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    node.forEachChild(visit);
  };
  visit(source);
  return nodes;
}

export function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}
