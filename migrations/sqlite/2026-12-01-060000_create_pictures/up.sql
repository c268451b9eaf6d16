-- Pictures of what a store sells, made small: one row an address, however many variants show it.
CREATE TABLE shopify_pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    url TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'kept', 'left_out')),
    attempts BIGINT NOT NULL DEFAULT 0,
    changed_at BIGINT NOT NULL,
    -- Why it is left out, or what went wrong last.
    reason TEXT,
    -- Of both sizes together; stands before them, so that it is read without them.
    hash TEXT,
    small BLOB,
    large BLOB,
    CONSTRAINT shopify_pictures_url UNIQUE (shop_id, url),
    CONSTRAINT shopify_pictures_whole CHECK (state <> 'kept' OR (hash IS NOT NULL AND small IS NOT NULL AND large IS NOT NULL))
);
CREATE INDEX shopify_pictures_wanted ON shopify_pictures (shop_id, id) WHERE state = 'wanted';
CREATE INDEX shopify_pictures_hash ON shopify_pictures (hash) WHERE hash IS NOT NULL;
-- Which variants show a picture.
CREATE INDEX shopify_variants_picture ON shopify_variants (shop_id, picture_url) WHERE picture_url IS NOT NULL AND deleted_at IS NULL;
