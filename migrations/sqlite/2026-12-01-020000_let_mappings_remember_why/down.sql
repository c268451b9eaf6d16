CREATE TABLE mappings_anew (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    variant_id BIGINT NOT NULL REFERENCES shopify_variants (id),
    product_id BIGINT REFERENCES products (id),
    quantity BIGINT NOT NULL DEFAULT 1,
    kind TEXT NOT NULL CHECK (kind IN ('one', 'kit', 'pack', 'ignored')),
    origin TEXT NOT NULL CHECK (origin IN ('sku', 'barcode', 'title', 'person')),
    batch TEXT,
    created_at BIGINT NOT NULL,
    created_by BIGINT REFERENCES users (id),
    removed_at BIGINT,
    removed_by BIGINT REFERENCES users (id)
);
INSERT INTO mappings_anew (id, shop_id, variant_id, product_id, quantity, kind, origin, batch, created_at, created_by, removed_at, removed_by)
    SELECT id, shop_id, variant_id, product_id, quantity, kind,
        CASE origin WHEN 'prefix' THEN 'sku' WHEN 'file' THEN 'person' ELSE origin END,
        batch, created_at, created_by, removed_at, removed_by
    FROM shopify_product_mappings;
DROP TABLE shopify_product_mappings;
ALTER TABLE mappings_anew RENAME TO shopify_product_mappings;
CREATE UNIQUE INDEX shopify_product_mappings_live ON shopify_product_mappings (variant_id, product_id) WHERE removed_at IS NULL AND product_id IS NOT NULL;
CREATE INDEX shopify_product_mappings_variant ON shopify_product_mappings (variant_id) WHERE removed_at IS NULL;
CREATE INDEX shopify_product_mappings_product ON shopify_product_mappings (product_id) WHERE removed_at IS NULL;
