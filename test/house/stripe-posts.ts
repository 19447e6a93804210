// Stripe does what a POST says once per Idempotency-Key. The SDK makes up a random key where none is given, and that is useless to a
// process that was killed: what asks Stripe to do something names its key, made of the id of the row that it is about.
import ts from 'typescript';
import { type Finding, filesOf, lineOf, nodesOf, syntaxOf, type Tree } from './tree.ts';

const READS = new Set(['retrieve', 'list', 'listLineItems', 'constructEvent']);

export function stripePostsNamed(tree: Tree): Finding[] {
  return filesOf(tree, /^(services|api)\/.*\.ts$/)
    .filter(([, text]) => /from 'stripe'/.test(text))
    .flatMap(([file, text]) =>
      nodesOf(syntaxOf(file, text)).flatMap((node) =>
        ts.isCallExpression(node) && asksStripe(node.expression) && !namesItsKey(node)
          ? [{ file, what: `a POST without an idempotencyKey of its row in line ${lineOf(node)}` }]
          : [],
      ),
    );
}

/** `this.#stripe.checkout.sessions.create`: a resource of the SDK, and a method that does something. */
function asksStripe(callee: ts.Expression): boolean {
  if (!ts.isPropertyAccessExpression(callee) || READS.has(callee.name.text)) return false;
  return /(^|\.)#?stripe\.\w+\./.test(callee.getText().replaceAll(/\s/g, ''));
}

function namesItsKey({ arguments: given }: ts.CallExpression): boolean {
  return given.some(
    (argument) =>
      ts.isObjectLiteralExpression(argument) &&
      argument.properties.some(
        (property) =>
          ts.isPropertyAssignment(property) &&
          property.name.getText() === 'idempotencyKey' &&
          ts.isTemplateExpression(property.initializer),
      ),
  );
}
