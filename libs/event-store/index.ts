export * from './append-request.js';
export * from './read.js';
