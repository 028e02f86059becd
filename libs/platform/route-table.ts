import { platformProblem, type ProblemError } from './problem.js';

/**
 * Which methods exist on which path. Nest answers 404 for a known path with another method; HTTP wants 405 with Allow.
 * Fed by Fastify's `onRoute` hook, so it cannot disagree with the router.
 */
export class RouteTable {
  private readonly routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  add(method: string | readonly string[], url: string): void {
    const route = this.routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    for (const name of [method].flat()) route.methods.add(name);
    this.routes.set(url, route);
  }

  /** Methods that exist on this path, sorted; empty when the path is unknown. */
  allowed(path: string): string[] {
    const methods = new Set<string>();
    for (const route of this.routes.values()) if (route.pattern.test(path)) for (const method of route.methods) methods.add(method);
    return [...methods].sort();
  }

  /** The problem to answer for a request that matched no route. */
  refuse(method: string, url: string): ProblemError {
    const allow = this.allowed(url.split('?', 1)[0] ?? url);
    // A wildcard route that lets a method in may still find nothing at this very address.
    return allow.length === 0 || allow.includes(method)
      ? platformProblem('not-found', 'No such address.')
      : platformProblem('method-not-allowed', `${method} is not one of: ${allow.join(', ')}.`, {}, { Allow: allow.join(', ') });
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split(/(:[A-Za-z0-9_]+|\*)/)
    .map((part) => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`);
}
