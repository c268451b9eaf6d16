DELETE FROM sqlite_stat1 WHERE tbl IN ('webhook_events', 'jobs');
ANALYZE sqlite_schema;
