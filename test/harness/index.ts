export { Line } from './line.js';
export { createTestDatabase, uniqueTopicPrefix, type TestDatabase } from './test-database.js';
export { startTestStack, type TestStack } from './test-stack.js';
export { waitFor } from './wait-for.js';
