-- PostgreSQL compresses a body before it lays it beside its row. Its old way of doing so takes longer than all the rest
-- of storing one; lz4 takes a tenth of that. A server that was built without lz4 stays with the old way.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE webhook_events ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION
    WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN NULL;
END
$$;
