// The arrows of the house (docs/architecture.md). test/arrows.test.ts plants a violation of each rule and expects it caught.
/** @type {(name: string, comment: string, from: object, to: object) => object} */
const error = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const npm = (names) => `(^|/)node_modules/(@types/)?(${names})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    error(
      'domain-is-pure',
      'Rules know no I/O, no library, nobody else.',
      { path: '^domain/' },
      { pathNot: '^domain/' },
    ),
    error(
      'workflows-are-replayed',
      'Only domain and what the Temporal bundler accepts.',
      { path: '^workflows/' },
      { pathNot: `^(workflows|domain)/|${npm('@temporalio/(workflow|common)')}` },
    ),
    error(
      'contracts-import-no-workflow',
      'A contract is what outsiders may see of a process.',
      { path: '^workflows/contracts/' },
      { path: '^workflows/[^/]+[.]ts$' },
    ),
    error(
      'services-know-no-edge',
      'What the system can do does not know who asks.',
      { path: '^services/' },
      { path: `^(workflows|activities|api|workers|console)/|${npm('express|@temporalio/[^/]+')}` },
    ),
    error(
      'activities-are-thin',
      'The Temporal face of services.',
      { path: '^activities/' },
      { pathNot: `^(activities|services|domain|workflows/contracts)/|${npm('@temporalio/(activity|common)')}` },
    ),
    error(
      'api-sees-contracts-only',
      'The API starts and signals; it runs no workflow, activity or worker.',
      { path: '^api/' },
      { path: `^(activities|workers|console)/|^workflows/(?!contracts/)|${npm('@temporalio/(worker|activity)')}` },
    ),
    error(
      'workers-do-not-know-the-api',
      'Two processes that share only services.',
      { path: '^workers/' },
      { path: '^(api|console)/' },
    ),
    error(
      'workers-bundle-workflows',
      'Workflow code runs in the sandbox only; who imports it runs it outside.',
      { path: '^workers/' },
      { path: '^workflows/(?!contracts/)' },
    ),
    error(
      'temporal-is-opened-in-one-place',
      'Of each process: deadlines, encryption and the namespace are set where the connection is opened.',
      { path: '^(api|workers|activities)/', pathNot: '^(api|workers)/temporal[.]ts$' },
      { path: npm('@temporalio/client') },
    ),
    error(
      'proxy-reaches-neither-temporal-nor-stripe',
      'A request never waits for them.',
      { path: '^api/proxy/' },
      { path: npm('@temporalio/[^/]+|stripe'), reachable: true },
    ),
    error(
      'stripe-in-one-place',
      'The SDK goes out on its own: what it is asked, and how, stands in one place (D40).',
      {
        path: '^(domain|workflows|services|activities|api|workers)/',
        pathNot: '^services/payments/stripe-(api|cards|client|history|intents|taxes)[.]ts$',
      },
      { path: npm('stripe') },
    ),
    error(
      'mail-in-one-module',
      'Whom a mail reaches, and what its head may hold, is checked there (D51).',
      {
        path: '^(domain|workflows|services|activities|api|workers)/',
        pathNot: '^services/notifications/mail-sender[.]ts$',
      },
      { path: npm('nodemailer') },
    ),
    error(
      'better-auth-in-two-modules',
      'What it may do and write is held to our rules there (D85).',
      {
        path: '^(domain|workflows|services|activities|api|workers)/',
        pathNot: '^services/accounts/(account-rows|auth)[.]ts$',
      },
      { path: npm('better-auth|@better-auth/[^/]+') },
    ),
    error(
      'openid-in-one-module',
      'It asks by our egress alone, and what is wrong is told without what opens something (D81).',
      {
        path: '^(domain|workflows|services|activities|api|workers)/',
        pathNot: '^services/single-sign-on/openid[.]ts$',
      },
      { path: npm('openid-client|oauth4webapi|jose') },
    ),
    error(
      'object-storage-in-one-module',
      'Which credential writes and which removes is held apart there (D143).',
      {
        path: '^(domain|workflows|services|activities|api|workers)/',
        pathNot: '^services/backups/s3-store[.]ts$',
      },
      { path: npm('@aws-sdk/[^/]+') },
    ),
    error(
      'console-stands-alone',
      'It runs in browsers and knows the API by its document alone.',
      { path: '^console/' },
      { pathNot: '^console/|node_modules/' },
    ),
    error(
      'nobody-imports-the-console',
      'It is a program of its own; its tests may look at a part of it.',
      { pathNot: '^(console|test)/' },
      { path: '^console/' },
    ),
    error(
      'nobody-imports-the-outside',
      'Tests, benches and scripts are leaves.',
      { pathNot: '^(test|bench|scripts)/' },
      { path: '^(test|bench|scripts)/' },
    ),
    error(
      'oracle-shares-no-code',
      'The oracle would repeat the errors of what it judges.',
      { path: '^test/oracle/', pathNot: '[.]test[.]ts$' },
      { path: '^(domain|workflows|services|activities|api|workers|console)/', reachable: true },
    ),
    error(
      'no-catch-alls',
      'Name the thing.',
      {},
      { path: '(^|/)(utils?|helpers?|common|shared|misc|lib)([.]ts$|/)', pathNot: 'node_modules' },
    ),
    error('no-circular', '', {}, { circular: true }),
    error('no-orphans', '', { orphan: true, path: '^(domain|workflows|services|activities|api|workers)/' }, {}),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
