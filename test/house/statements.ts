// SQL stands in services, and a table is written by the one folder that owns its noun: whoever asks why a row looks as it does
// has one place to read. Money is not written here at all but by the functions of migrations/0003.
import ts from 'typescript';
import { type Finding, filesOf, lineOf, nodesOf, syntaxOf, type Tree } from './tree.ts';

const WRITES = /\b(?:insert into|delete from|update)\s+([a-z_]+)(?=\s+(?:\(|set\b|where\b|values\b|select\b)|\s*\()/g;
const IS_SQL = /^\s*(select\s.+|insert into\s.+|delete from\s.+|update\s.+\sset\s.+|with\s\w+ as\s.+)/s;

export function strayStatements(tree: Tree): Finding[] {
  return filesOf(tree, /^(domain|workflows|activities|api|workers)\/.*\.ts$/).flatMap(([file, text]) =>
    stringsOf(syntaxOf(file, text))
      .filter(({ value }) => IS_SQL.test(value))
      .map(({ line }) => ({ file, what: `SQL in line ${line}` })),
  );
}

export function tablesOfTwoOwners(tree: Tree): Finding[] {
  const owners = new Map<string, Map<string, string>>();
  for (const [file, text] of filesOf(tree, /^(services|activities|api|workers)\/.*\.ts$/)) {
    const folder = file.split('/').slice(0, 2).join('/');
    for (const { value } of stringsOf(syntaxOf(file, text))) {
      for (const [, table = ''] of value.matchAll(WRITES)) {
        owners.set(table, (owners.get(table) ?? new Map()).set(folder, file));
      }
    }
  }
  return [...owners].flatMap(([table, folders]) =>
    folders.size === 1 ? [] : [...folders.values()].map((file) => ({ file, what: `${table} has other writers` })),
  );
}

function stringsOf(source: ts.SourceFile): { value: string; line: number }[] {
  return nodesOf(source).flatMap((node) => {
    if (ts.isStringLiteralLike(node)) return [{ value: node.text, line: lineOf(node) }];
    return ts.isTemplateExpression(node) ? [{ value: node.getText().slice(1, -1), line: lineOf(node) }] : [];
  });
}
