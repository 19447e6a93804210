// The Express app: the hot path first, before every middleware, then everything else from one list of declared routes.
import express, { type Express } from 'express';
import { apiKeyRoutes } from './routes/api-keys.ts';
import type { AppDependencies } from './routes/app-dependencies.ts';
import { bookRoutes } from './routes/books.ts';
import { channelRoutes } from './routes/channels.ts';
import { errorsTold, named, nothingHere, routesOf } from './routes/dispatch.ts';
import { modelRoutes } from './routes/models.ts';
import { openapiRoute } from './routes/openapi.ts';
import { operationRoutes } from './routes/operations.ts';
import { customerRoutes } from './routes/organizations.ts';
import { readWithKeyRoutes } from './routes/read-with-key.ts';
import type { Route } from './routes/route.ts';

const declared: readonly Route[] = [
  ...operationRoutes,
  ...readWithKeyRoutes,
  ...customerRoutes,
  ...apiKeyRoutes,
  ...channelRoutes,
  ...modelRoutes,
  ...bookRoutes,
];

/** Every route there is but the hot path; a test walks it with every role. */
export const ROUTES: readonly Route[] = [...declared, openapiRoute(declared)];

export function createApp(dependencies: AppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(dependencies.proxy);
  app.use(named());
  app.use(routesOf(ROUTES, dependencies));
  app.use(nothingHere());
  app.use(errorsTold(dependencies));
  return app;
}
