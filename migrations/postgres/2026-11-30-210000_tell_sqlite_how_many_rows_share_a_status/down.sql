-- PostgreSQL alone gathers statistics by itself.
SELECT 1;
