-- SQLite changes no CHECK in place: the table is written anew. No other refers to it.
CREATE TABLE mappings_anew (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    variant_id BIGINT NOT NULL REFERENCES shopify_variants (id),
    product_id BIGINT REFERENCES products (id),
    quantity BIGINT NOT NULL DEFAULT 1,
    kind TEXT NOT NULL CHECK (kind IN ('one', 'kit', 'pack', 'ignored')),
    origin TEXT NOT NULL CHECK (origin IN ('sku', 'barcode', 'title', 'prefix', 'file', 'person')),
    batch TEXT,
    created_at BIGINT NOT NULL,
    created_by BIGINT REFERENCES users (id),
    removed_at BIGINT,
    removed_by BIGINT REFERENCES users (id),
    -- The variant's SKU, as SKUs are compared, when somebody last said that the mapping holds.
    variant_sku TEXT,
    -- What was taken off the SKU before it was compared.
    prefix TEXT
);
INSERT INTO mappings_anew (id, shop_id, variant_id, product_id, quantity, kind, origin, batch, created_at, created_by, removed_at, removed_by, variant_sku)
    SELECT m.id, m.shop_id, m.variant_id, m.product_id, m.quantity, m.kind, m.origin, m.batch, m.created_at, m.created_by, m.removed_at, m.removed_by, v.sku_normal
    FROM shopify_product_mappings m JOIN shopify_variants v ON v.id = m.variant_id;
DROP TABLE shopify_product_mappings;
ALTER TABLE mappings_anew RENAME TO shopify_product_mappings;
CREATE UNIQUE INDEX shopify_product_mappings_live ON shopify_product_mappings (variant_id, product_id) WHERE removed_at IS NULL AND product_id IS NOT NULL;
CREATE INDEX shopify_product_mappings_variant ON shopify_product_mappings (variant_id) WHERE removed_at IS NULL;
CREATE INDEX shopify_product_mappings_product ON shopify_product_mappings (product_id) WHERE removed_at IS NULL;
CREATE INDEX shopify_product_mappings_batch ON shopify_product_mappings (batch) WHERE removed_at IS NULL;
CREATE INDEX shopify_product_mappings_history ON shopify_product_mappings (variant_id, id);
