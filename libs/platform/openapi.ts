import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { PROBLEM_SCHEMA } from './api-problems.js';
import { makePatternsPortable } from './portable-pattern.js';

export interface ApiDescription {
  readonly title: string;
  readonly description: string;
  readonly version: string;
}

/** The OpenAPI 3.1 document of an app, with the problem schema under `components.schemas.Problem`. */
export function openApiDocument(app: INestApplication, { title, description, version }: ApiDescription): OpenAPIObject {
  const config = new DocumentBuilder().setTitle(title).setDescription(description).setVersion(version).setOpenAPIVersion('3.1.0').build();
  const document = SwaggerModule.createDocument(app, config, { autoTagControllers: false });
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, Problem: PROBLEM_SCHEMA as never };
  makePatternsPortable(document);
  closeRequestSchemas(document);
  return document;
}

/** Unknown fields of a body are refused everywhere (see validationPipe), and the document says so. */
function closeRequestSchemas(document: OpenAPIObject): void {
  const schemas = document.components?.schemas as Record<string, { type?: string; additionalProperties?: boolean }>;
  const seen = new Set<string>();
  const close = (node: unknown): void => {
    for (const [, name = ''] of JSON.stringify(node ?? null).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      const schema = schemas[name];
      if (schema === undefined || seen.has(name)) continue;
      seen.add(name);
      if (schema.type === 'object') schema.additionalProperties ??= false;
      close(schema);
    }
  };
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations as Record<string, { requestBody?: unknown }>)) close(operation.requestBody);
  }
}

/** Serves the document at /openapi.json and a page to try it out at /docs. */
export function serveOpenApi(app: INestApplication, description: ApiDescription): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app, description), { raw: ['json'], jsonDocumentUrl: 'openapi.json' });
}
