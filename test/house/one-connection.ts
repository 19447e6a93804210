// Whoever has a connection of a pool and waits for another one of it waits for ever once as many do so as there are connections: four changes
// at once would stall the management of everybody else. So within a transaction everything is asked over its connection.
import ts from 'typescript';
import { type Finding, filesOf, lineOf, nodesOf, syntaxOf, type Tree } from './tree.ts';

export function oneConnection(tree: Tree): Finding[] {
  return filesOf(tree, /^api\/routes\/.*\.ts$/).flatMap(([file, text]) =>
    nodesOf(syntaxOf(file, text))
      .filter((node) => ts.isIdentifier(node) && node.text === 'db' && standsInChange(node))
      .map((node) => ({ file, what: `db within a transaction in line ${lineOf(node)}` })),
  );
}

/** In `change(async (tx) => ...)`. */
function standsInChange(node: ts.Node): boolean {
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const call = at.parent;
    if (ts.isCallExpression(call) && call.expression.getText() === 'change' && call.expression !== at) return true;
  }
  return false;
}
