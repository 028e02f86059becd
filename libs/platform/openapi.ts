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
  return document;
}

/** Serves the document at /openapi.json and a page to try it out at /docs. */
export function serveOpenApi(app: INestApplication, description: ApiDescription): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app, description), { raw: ['json'], jsonDocumentUrl: 'openapi.json' });
}
