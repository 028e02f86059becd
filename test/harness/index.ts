export { createTestDatabase, uniqueTopicPrefix, type TestDatabase } from './test-database.js';
export { waitFor } from './wait-for.js';
