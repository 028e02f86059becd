/** Migrated once a run; every test database is a copy of it. */
export const TEMPLATE_DATABASE = 'tidemark_template';
