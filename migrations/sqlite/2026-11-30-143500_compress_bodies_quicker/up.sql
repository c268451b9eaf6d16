-- SQLite compresses nothing by itself.
SELECT 1;
