export const migrationTables: readonly import('./foreign-config.js').MigrationTable[] = [];
