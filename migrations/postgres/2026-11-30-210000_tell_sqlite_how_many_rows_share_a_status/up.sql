-- PostgreSQL gathers its figures itself.
SELECT 1;
